import type { z } from 'zod';
import { decoderKinds, decoders } from '../models/decoders/table.ts';
import { targetNames, targets } from '../nn/targets/table.ts';
import { taskFault } from '../tasks/fit.ts';
import { maskNames } from '../tasks/masks/table.ts';
import { taskOf } from '../tasks/table.ts';
import { engine } from './engine.ts';
import { ConfigError } from './error.ts';
import { fraction, oneOf, section, share, taskName, whole } from './fields.ts';
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
  target: oneOf(targetNames)
    .default('channel')
    .describe(
      `what the decoder predicts: ${targetNames.map((name) => `${name} (${targets[name].summary})`).join('; ')}`,
    ),
});

const task = section({
  name: taskName()
    .default('masked+zoomed-in')
    .describe(
      'how images are degraded, see `list tasks`; two in a row: zoomed-in+blurred, masked+zoomed-in+blurred',
    ),
  maskRatio: fraction().default(0.75).describe('share of the tokens that a masked task removes'),
  mask: oneOf(maskNames).default('random').describe('how a masked task chooses the tokens, see `list masks`'),
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
  heldOutImages: whole(0).default(2048).describe('most images for the held-out loss of an epoch; 0: none'),
  reconstructions: whole(0).default(6).describe('images in the picture written each epoch; 0: none'),
  knnEvery: whole(0)
    .default(0)
    .describe('epochs from one report of kNN and linear probe to the next, the last at the end; 0: none'),
  knnTrain: whole(1)
    .default(10_000)
    .describe('labelled images that vote in the kNN report, and train its linear probe'),
  knnTest: whole(1).default(2_000).describe('images that the report classifies'),
});

/** All settings of a pre-training run. Every one has a default: those of the paper's ViT-B. */
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
});

/** The settings of a run, complete. */
export type Config = z.output<typeof configSchema>;

/** Some of the settings of a run: what a person writes. */
export type ConfigInput = z.input<typeof configSchema>;

/**
 * Completes and checks settings. Throws ConfigError naming each wrong setting, the rule and what it got;
 * an unknown key is answered with the nearest known one.
 */
export function parseConfig(input: unknown): Config {
  const config = parseSettings(configSchema, withTaskDefaults(input));
  const { decoder } = config.model;
  const fault = taskFault(taskOf(config.task), config.model);
  if (fault) throw new ConfigError(fault);
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
