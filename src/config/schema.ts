import { z } from 'zod';
import type { AutoencoderConfig } from '../models/config.ts';
import { decoderKinds, decoders } from '../models/decoders/table.ts';
import { targetNames, targets } from '../nn/targets/table.ts';
import { taskFault } from '../tasks/fit.ts';
import { maskNames } from '../tasks/masks/table.ts';
import { type OwnTasks, withOwnTarget } from '../tasks/own.ts';
import { nameFault, taskOf } from '../tasks/table.ts';
import { engine } from './engine.ts';
import { ConfigError } from './error.ts';
import { fraction, oneOf, section, share, whole } from './fields.ts';
import { checkNames, namesOwn, own } from './own.ts';
import { parseSettings } from './parse.ts';
import { requireAll, sharedRules } from './rules.ts';
import {
  checkpoints,
  dataFields,
  encoderFields,
  from,
  recipe,
  seed,
  stackFields,
  trainingFields,
} from './sections.ts';
import { withTaskDefaults } from './task-defaults.ts';

const model = section({
  ...encoderFields,
  decoder: section({
    kind: oneOf(decoderKinds)
      .default('transformer')
      .describe(`decoder: ${decoderKinds.map((kind) => `${kind} (${decoders[kind].summary})`).join('; ')}`),
    ...stackFields(384, 4, 6, 'decoder'),
    share: share().default(1).describe('cross decoder: share of the removed patches that training predicts'),
  }).prefault({}),
  target: z
    .string({ error: `must be one of ${targetNames.join(', ')}` })
    .default('channel')
    .describe(
      `prediction target: ${targetNames.map((name) => `${name} (${targets[name].summary})`).join('; ')}`,
    ),
});

const task = section({
  name: z
    .string({ error: nameFault('')! })
    .default('masked+zoomed-in')
    .describe(
      'how images are degraded, see `list tasks`; two in a row: zoomed-in+blurred, masked+zoomed-in+blurred',
    ),
  maskRatio: fraction().default(0.75).describe('share of the tokens that a masked task removes'),
  mask: z
    .string({ error: `must be one of ${maskNames.join(', ')}` })
    .default('random')
    .describe('how a masked task chooses the tokens, see `list masks`'),
});

const training = trainingFields({
  epochs: 300,
  batchSize: 2048,
  learningRate: 1.5e-4,
  minLearningRate: 1e-5,
  warmupEpochs: 20,
  beta2: 0.95,
});

const evaluation = section({
  every: whole(1)
    .default(1)
    .describe('epochs from one held-out loss, with its picture, to the next, with a last one at the end'),
  heldOutImages: whole(0).default(2048).describe('most images for a held-out loss; 0: none'),
  reconstructions: whole(0).default(6).describe('images in a picture of reconstructions; 0: none'),
  panelEvery: whole(0)
    .default(1)
    .describe('epochs between label-free measures of the features, with a last one at the end; 0: none'),
  panelImages: whole(2).default(1_000).describe('images of these measures'),
  best: oneOf(['none', 'heldOutLoss', 'psnr', 'rankMe', 'idEst', 'dse', 'linear', 'knn'])
    .default('none')
    .describe('measure whose best weights are kept beside the newest, and judged in place of them'),
  knnEvery: whole(0)
    .default(0)
    .describe('epochs between reports of kNN and linear probe, with a last one at the end; 0: none'),
  knnTrain: whole(1)
    .default(10_000)
    .describe('labelled images that vote in the kNN report, and train its linear probe'),
  knnTest: whole(1).default(2_000).describe('images that the report classifies'),
});

/** All settings of a pre-training run. The defaults are the paper's for ViT-B. */
export const configSchema = section({
  recipe,
  seed,
  from,
  data: section(dataFields({ scale: [0.2, 1], heldOut: 0.02 })).prefault({}),
  model: model.prefault({}),
  task: task.prefault({}),
  training: section(training).prefault({}),
  checkpoints: checkpoints.prefault({}),
  evaluation: evaluation.prefault({}),
  engine: engine.prefault({}),
  own,
}).superRefine(checkNames);

/** The complete settings of a run. */
export type Config = z.output<typeof configSchema>;

/** The settings of a run as a user writes them: any subset. */
export type ConfigInput = z.input<typeof configSchema>;

/**
 * Completes and checks settings. Throws ConfigError with each wrong setting, its rule and its value, and with the nearest known
 * key for an unknown one. `requireFit` checks whether user-defined tasks and targets, which the setting `own` names, fit each other.
 * @param given user-defined tasks, for their default settings
 */
/** The task of MAE (arXiv 2111.06377), for weights that do not state theirs. */
export const MAE_TASK = { name: 'masked', maskRatio: 0.75 } as const;

export function parseConfig(input: unknown, given: OwnTasks = {}): Config {
  const config = parseSettings(configSchema, withTaskDefaults(input, given));
  const { decoder } = config.model;
  if (!namesOwn(config)) requireFit(config);
  requireAll([
    ...sharedRules(config),
    [
      decoder.width % decoder.heads === 0,
      'model.decoder.width must be a multiple of model.decoder.heads',
      [decoder.width, decoder.heads],
    ],
  ]);
  return config;
}

/** Throws ConfigError if task, target and decoder do not fit each other. */
export function requireFit({ task, model }: Pick<Config, 'task' | 'model'>, own: OwnTasks = {}): void {
  const fault = taskFault(taskOf(task, own), withOwnTarget<AutoencoderConfig>(model, own.targets));
  if (fault) throw new ConfigError(fault);
}
