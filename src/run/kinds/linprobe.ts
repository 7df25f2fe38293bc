import { linprobeSchema } from '../../config/linprobe-schema.ts';
import { seriesOf, smoothed } from '../../visualize/series.ts';
import type { RecordedKind } from '../kind.ts';

/** A linear probe. Its checkpoint is a classifier, as `finetune` writes it. */
export const linearProbe: RecordedKind = {
  name: 'linprobe',
  title: 'linear probes',
  role: 'judge',
  schema: linprobeSchema,
  panels: [{ title: 'Loss of linear probes, smoothed', points: (rows) => smoothed(seriesOf(rows, 'loss')) }],
  column: () => 'linear',
};
