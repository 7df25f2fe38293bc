import type { RecordedKind } from '../kind.ts';

/** A separate kNN report; pre-training makes others. */
export const knnReport: RecordedKind = { name: 'knn', title: 'kNN', role: 'judge', panels: [] };
