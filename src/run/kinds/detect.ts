import {
  type DetectConfig,
  detectorConfig,
  detectSchema,
  parseDetectConfig,
} from '../../config/detect-schema.ts';
import { detectorParameters } from '../../models/detector.ts';
import { plural } from '../../text/plural.ts';
import { seriesOf, smoothed } from '../../visualize/series.ts';
import { alwaysChangeable, type RunKind } from '../kind.ts';

export const detecting: RunKind<DetectConfig> = {
  name: 'detect',
  title: 'detection',
  role: 'judge',
  checkpoint: 'detector',
  startOption: '--from',
  schema: detectSchema,
  parse: parseDetectConfig,
  changeable: [...alwaysChangeable, /^data\.(source|test)$/],
  panels: [
    { title: 'Loss of detection, smoothed', points: (rows) => smoothed(seriesOf(rows, 'loss')) },
    {
      title: 'Recall of 100 proposals',
      percent: true,
      points: (rows) => seriesOf(rows, 'proposalRecall'),
    },
    { title: 'Box AP', percent: true, points: (rows) => seriesOf(rows, 'boxAP') },
    { title: 'Mask AP', percent: true, points: (rows) => seriesOf(rows, 'maskAP') },
  ],
  score: 'boxAP',
  /** Runs of other lengths are not averaged. */
  column(settings) {
    const epochs = settings.get('training.epochs');
    return `detect${typeof epochs === 'number' ? `, ${plural(epochs, 'epoch')}` : ''}, box AP`;
  },
  model(config) {
    const { classes: table } = config.data;
    if (!table) throw new RangeError('a detector must name its classes');
    const detector = detectorConfig(config, table.length);
    const classes = table.map(({ name }) => name);
    return { encoder: detector, detector, classes, specs: detectorParameters(detector) };
  },
};
