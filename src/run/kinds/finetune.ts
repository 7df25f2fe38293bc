import {
  classifierConfig,
  type FinetuneConfig,
  finetuneSchema,
  parseFinetuneConfig,
} from '../../config/finetune-schema.ts';
import { classifierParameters } from '../../models/classifier.ts';
import { plural } from '../../text/plural.ts';
import { seriesOf, smoothed } from '../../visualize/series.ts';
import { alwaysChangeable, type RunKind } from '../kind.ts';

export const finetuning: RunKind<FinetuneConfig> = {
  name: 'finetune',
  title: 'fine-tuning',
  role: 'judge',
  checkpoint: 'classifier',
  startOption: '--from',
  schema: finetuneSchema,
  parse: parseFinetuneConfig,
  changeable: [...alwaysChangeable, /^data\.(source|test)$/],
  panels: [
    { title: 'Loss of fine-tuning, smoothed', points: (rows) => smoothed(seriesOf(rows, 'loss')) },
    { title: 'Evaluation loss of fine-tuning', points: (rows) => seriesOf(rows, 'evaluationLoss') },
    { title: 'Top-1 of fine-tuning', percent: true, points: (rows) => seriesOf(rows, 'top1') },
  ],
  /** Runs of other lengths are not averaged. */
  column(settings) {
    const [share, epochs] = ['data.labels', 'training.epochs'].map((path) => settings.get(path));
    const percent = typeof share === 'number' ? Number((100 * share).toFixed(4)) : 100;
    return `fine-tune ${percent} %${typeof epochs === 'number' ? `, ${plural(epochs, 'epoch')}` : ''}`;
  },
  model(config, { classes }) {
    if (!classes) throw new RangeError('a classifier must name its classes');
    const classifier = classifierConfig(config, classes.length);
    return { encoder: classifier, classifier, classes, specs: classifierParameters(classifier) };
  },
};
