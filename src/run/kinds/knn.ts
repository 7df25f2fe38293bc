import { knnSeries } from '../../visualize/series.ts';
import type { RecordedKind } from '../kind.ts';

/** A separate kNN report; pre-training makes others. */
export const knnReport: RecordedKind = {
  name: 'knn',
  title: 'kNN',
  role: 'judge',
  panels: [
    {
      title: 'kNN top-1 of checkpoints',
      percent: true,
      points: (rows) => (rows.length > 1 ? knnSeries(rows) : []),
    },
  ],
};
