import { type Config, configSchema, parseConfig } from '../../config/schema.ts';
import { autoencoderParameters } from '../../models/autoencoder.ts';
import { classifierParameters } from '../../models/classifier.ts';
import type { AutoencoderConfig } from '../../models/config.ts';
import { encoderParameters } from '../../models/encoder.ts';
import { withOwnTarget } from '../../tasks/own.ts';
import { knnSeries, linearSeries, seriesOf, smoothed } from '../../visualize/series.ts';
import { alwaysChangeable, type RunKind } from '../kind.ts';

export const pretraining: RunKind<Config> = {
  name: 'pretrain',
  title: 'pre-training',
  role: 'pretrain',
  checkpoint: 'pretrain',
  startOption: '--init-from',
  schema: configSchema,
  parse: parseConfig,
  changeable: [...alwaysChangeable, /^data\.source$/],
  panels: [
    { title: 'Loss of pre-training, smoothed', points: (rows) => smoothed(seriesOf(rows, 'loss')) },
    { title: 'Held-out loss of pre-training', points: (rows) => seriesOf(rows, 'heldOutLoss') },
    { title: 'kNN top-1 of pre-training', percent: true, points: knnSeries },
    { title: 'Brief linear top-1 of pre-training', percent: true, points: linearSeries },
  ],
  model(config, { has, targets, classes }) {
    const model = withOwnTarget<AutoencoderConfig>(config.model, targets);
    // Without the user's own target, its decoder cannot be known.
    if (typeof model.target === 'string' && config.own?.targets?.includes(model.target))
      return { encoder: model, specs: encoderParameters(model) };
    const specs = autoencoderParameters(model);
    const isWhole = specs.every(({ name }) => has(name)); // somebody may have taken the decoder out
    const whole = isWhole
      ? { encoder: model, decoder: model, specs }
      : { encoder: model, specs: encoderParameters(model) };
    // A packaged model has the head of a linear probe beside its decoder.
    if (!classes || !has('head.weight')) return whole;
    const classifier = { ...model, classes: classes.length, pooling: 'mean', fcNorm: false } as const;
    const head = classifierParameters(classifier).filter(({ name }) => name.startsWith('head.'));
    return { ...whole, classifier, classes, specs: [...whole.specs, ...head] };
  },
};
