import type { z } from 'zod';
import type { ClassifierConfig } from '../models/classifier.ts';
import { engine } from './engine.ts';
import { atLeast, flag, fraction, oneOf, probability, section, share, text } from './fields.ts';
import { own } from './own.ts';
import { parseSettings } from './parse.ts';
import { requireAll, sharedRules } from './rules.ts';
import {
  checkpoints,
  dataFields,
  dropPathField,
  emaField,
  encoderFields,
  evaluationFields,
  from,
  layerDecayField,
  recipe,
  seed,
  trainingFields,
} from './sections.ts';

const data = section({
  ...dataFields({ scale: [0.08, 1], heldOut: 0.1 }),
  test: text()
    .default('')
    .describe(
      'images to evaluate on, a source with classes; empty: the test set of data.source, or data.heldOut',
    ),
  labels: share()
    .default(1)
    .describe('share of the training images of each class to train on, e.g. 0.1 or 0.01'),
  randAugment: text()
    .default('rand-m9-mstd0.5-inc1')
    .describe("RandAugment policy in timm's notation; empty: none"),
  colourJitter: atLeast(0)
    .default(0.4)
    .describe('strength of the colour jitter, used without RandAugment only (as in timm); 0: none'),
  erasing: probability().default(0.25).describe('random erasing: probability for each image'),
});

const model = section({
  ...encoderFields,
  pooling: oneOf(['mean', 'token'])
    .default('mean')
    .describe("input of the head: the mean of the patches' tokens, or the class token"),
  fcNorm: flag().default(true).describe('true: the norm comes after the pooling, not before it'),
});

const training = section({
  ...trainingFields({
    epochs: 100,
    batchSize: 1024,
    learningRate: 5e-4,
    minLearningRate: 1e-6,
    warmupEpochs: 5,
    beta2: 0.999,
  }),
  layerDecay: layerDecayField(0.65),
  dropPath: dropPathField(),
  smoothing: fraction().default(0.1).describe('label smoothing'),
  mixup: atLeast(0).default(0.8).describe('mixup: alpha of the beta distribution; 0: none'),
  cutmix: atLeast(0).default(1).describe('CutMix: alpha of the beta distribution; 0: none'),
  mixProbability: probability().default(1).describe('probability of mixing at all'),
  mixSwitch: probability().default(0.5).describe('probability of CutMix if mixup is used too'),
  mixMode: oneOf(['batch', 'element'])
    .default('batch')
    .describe('whether a batch is mixed alike, or each image by different numbers'),
  ema: emaField(),
});

const evaluation = section({
  ...evaluationFields(),
});

/** All settings of a fine-tuning run. The defaults are MAE's for ViT-B. */
export const finetuneSchema = section({
  recipe,
  seed,
  from,
  data: data.prefault({}),
  model: model.prefault({}),
  training: training.prefault({}),
  checkpoints: checkpoints.prefault({}),
  evaluation: evaluation.prefault({}),
  engine: engine.prefault({}),
  own,
});

/** The settings of a fine-tuning run, complete. */
export type FinetuneConfig = z.output<typeof finetuneSchema>;

/** The settings of a fine-tuning run as a user writes them: any subset. */
export type FinetuneInput = z.input<typeof finetuneSchema>;

/** Completes and checks settings. Throws ConfigError as `parseConfig` does. */
export function parseFinetuneConfig(input: unknown): FinetuneConfig {
  const config = parseSettings(finetuneSchema, input);
  const { model } = config;
  requireAll([
    ...sharedRules(config),
    [
      model.pooling === 'mean' || model.classToken,
      "model.pooling must be 'mean' for a model without a class token",
      [`'${model.pooling}'`],
    ],
  ]);
  return config;
}

/** The model of the settings, with a head for this number of classes. */
export function classifierConfig(
  { model }: Pick<FinetuneConfig, 'model'>,
  classes: number,
): ClassifierConfig {
  return { ...model, classes };
}
