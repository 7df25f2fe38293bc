import {
  parseSegmentConfig,
  type SegmentConfig,
  segmenterConfig,
  segmentSchema,
} from '../../config/segment-schema.ts';
import { segmenterParameters } from '../../models/segmenter.ts';
import { plural } from '../../text/plural.ts';
import { seriesOf, smoothed } from '../../visualize/series.ts';
import { alwaysChangeable, type RunKind } from '../kind.ts';

export const segmenting: RunKind<SegmentConfig> = {
  name: 'segment',
  title: 'segmentation',
  role: 'judge',
  checkpoint: 'segmenter',
  startOption: '--from',
  schema: segmentSchema,
  parse: parseSegmentConfig,
  changeable: [...alwaysChangeable, /^data\.(source|test)$/],
  panels: [
    { title: 'Loss of segmentation, smoothed', points: (rows) => smoothed(seriesOf(rows, 'loss')) },
    { title: 'mIoU of segmentation', percent: true, points: (rows) => seriesOf(rows, 'mIoU') },
    { title: 'Pixel accuracy of segmentation', percent: true, points: (rows) => seriesOf(rows, 'aAcc') },
  ],
  score: 'mIoU',
  /** Runs of other lengths and heads are not averaged. */
  column(settings) {
    const [head, epochs] = ['model.head.kind', 'training.epochs'].map((path) => settings.get(path));
    const length = typeof epochs === 'number' ? `, ${plural(epochs, 'epoch')}` : '';
    return `segment ${typeof head === 'string' ? head : ''}${length}, mIoU`;
  },
  model(config) {
    const { classes: table } = config.data;
    if (!table) throw new RangeError('a segmenter must name its classes');
    const segmenter = segmenterConfig(config, table.classes.length);
    const classes = table.classes.map(({ name }) => name);
    return { encoder: segmenter, segmenter, classes, specs: segmenterParameters(segmenter) };
  },
};
