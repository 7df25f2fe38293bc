import type { RecordedKind } from '../kind.ts';

/** A kNN report of its own, beside those that pre-training makes. */
export const knnReport: RecordedKind = { name: 'knn', title: 'kNN', role: 'judge', panels: [] };
