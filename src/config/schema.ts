import type { z } from 'zod';
import { taskNames } from '../tasks/table.ts';
import { ConfigError } from './error.ts';
import { explain } from './explain.ts';
import {
  atLeast,
  flag,
  fraction,
  numbers,
  oneOf,
  positive,
  probability,
  range,
  section,
  share,
  size,
  text,
  whole,
} from './fields.ts';

const data = section({
  source: text()
    .default('')
    .describe(
      'images: a folder (with all below it), classes:FOLDER (a sub-folder for each class), or cifar10',
    ),
  mean: numbers(1).default([0.485, 0.456, 0.406]).describe('mean of each channel, of pixels in [0, 1]'),
  std: numbers(1).default([0.229, 0.224, 0.225]).describe('standard deviation of each channel'),
  scale: range().default([0.2, 1]).describe("random resized crop: share of the image's area"),
  ratio: range()
    .default([3 / 4, 4 / 3])
    .describe('random resized crop: width over height'),
  flip: probability().default(0.5).describe('probability of mirroring left and right'),
  evaluationCrop: share()
    .default(224 / 256)
    .describe("side of an evaluation view relative to the image's shorter side, cut from the centre"),
  heldOut: fraction()
    .default(0.02)
    .describe('share of the images set aside for the held-out loss; cifar10 has a test set instead'),
});

const stack = (width: number, depth: number, heads: number, part: string) => ({
  width: whole(1).default(width).describe(`${part}: width of a token's features`),
  depth: whole(1).default(depth).describe(`${part}: number of blocks`),
  heads: whole(1).default(heads).describe(`${part}: attention heads`),
});

const model = section({
  image: size('pixels').default([224, 224]).describe('height and width of what the encoder sees'),
  patch: whole(1).default(16).describe('side of a patch in pixels'),
  channels: whole(1).default(3).describe('channels of the images: 3 (colour) or 1 (grey)'),
  ...stack(768, 12, 12, 'encoder'),
  mlpRatio: positive().default(4).describe('hidden width of the MLPs relative to the width'),
  classToken: flag().default(false).describe('whether the encoder has a class token, as in MAE'),
  positions: oneOf(['sincos1d', 'sincos2d', 'learned'])
    .default('sincos1d')
    .describe("positions: the paper's 1-D sines and cosines, MAE's 2-D ones, or learned ones"),
  decoder: section(stack(384, 4, 6, 'decoder')).prefault({}),
  target: oneOf(['channel', 'patch', 'none'])
    .default('channel')
    .describe("normalisation of the target's patches: per channel (the paper), per patch (MAE), none"),
});

const task = section({
  name: oneOf(taskNames).default('masked+zoomed-in').describe('how images are degraded, see `list tasks`'),
  maskRatio: fraction().default(0.75).describe('share of the tokens that a masked task removes'),
});

const training = section({
  epochs: whole(1).default(300).describe('passes over the training images; they set the schedule'),
  maxSteps: whole(0).default(0).describe('stop after so many updates, schedule unchanged; 0: never'),
  batchSize: whole(1).default(2048).describe('images of one update'),
  microBatch: whole(0)
    .default(0)
    .describe('images computed at once, to save memory: gradients are averaged; 0: the whole batch'),
  learningRate: positive()
    .default(1.5e-4)
    .describe('peak learning rate for a batch of 256; scaled by batchSize / 256'),
  minLearningRate: atLeast(0).default(1e-5).describe('learning rate at the end of the cosine, not scaled'),
  warmupEpochs: atLeast(0).default(20).describe('epochs of linear warm-up from 0'),
  weightDecay: atLeast(0).default(0.05).describe('decoupled; not on biases, norms, tokens, positions'),
  beta1: fraction().default(0.9).describe('AdamW: decay of the first moment'),
  beta2: fraction().default(0.95).describe('AdamW: decay of the second moment'),
  epsilon: positive().default(1e-8).describe('AdamW: added to the root of the second moment'),
  clip: atLeast(0).default(0).describe('largest norm of all gradients together; 0: no clipping'),
  nonFinite: oneOf(['stop', 'skip'])
    .default('stop')
    .describe('what to do when a loss or gradient is not finite: stop the run, or skip that update'),
});

const checkpoints = section({
  every: whole(0)
    .default(500)
    .describe('steps from one checkpoint to the next; 0: at the end of epochs only'),
  keep: whole(1).default(3).describe('number of checkpoints kept, the newest ones'),
});

const evaluation = section({
  heldOutImages: whole(0).default(2048).describe('most images for the held-out loss of an epoch; 0: none'),
  reconstructions: whole(0).default(6).describe('images in the picture written each epoch; 0: none'),
  knnEvery: whole(0).default(0).describe('epochs from one kNN report to the next; 0: none'),
  knnTrain: whole(1).default(10_000).describe('labelled images that vote in the kNN report'),
  knnTest: whole(1).default(2_000).describe('images that the kNN report classifies'),
});

const engine = section({
  name: oneOf(['onnx', 'wasm', 'reference'])
    .default('onnx')
    .describe('onnx (native where installed), wasm (onnxruntime as WebAssembly), reference (slow, float64)'),
  threads: whole(0).default(0).describe('threads of the engine; 0: one for each core'),
});

/** All settings of a pre-training run. Every one has a default: those of the paper's ViT-B. */
export const configSchema = section({
  recipe: text().default('custom').describe('recipe that the settings started from'),
  seed: whole(0).default(0).describe('everything random follows from it'),
  data: data.prefault({}),
  model: model.prefault({}),
  task: task.prefault({}),
  training: training.prefault({}),
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
  const result = configSchema.safeParse(input);
  if (!result.success) throw new ConfigError(explain(result.error.issues, input, configSchema));
  const config = result.data;
  checkTogether(config);
  return config;
}

/** Images that are computed at once. */
export function microBatchOf({ batchSize, microBatch }: Config['training']): number {
  return microBatch === 0 ? batchSize : Math.min(microBatch, batchSize);
}

/** Rules that span several settings. */
function checkTogether({ data, model, training }: Config): void {
  const { image, patch, channels, width, heads, decoder } = model;
  const rules: [boolean, string, readonly unknown[]][] = [
    [
      training.batchSize % microBatchOf(training) === 0,
      'training.batchSize must be a multiple of training.microBatch',
      [training.batchSize, training.microBatch],
    ],
    [
      image.every((side) => side % patch === 0),
      'both sides of model.image must be multiples of model.patch',
      [`[${image}]`, patch],
    ],
    [
      training.warmupEpochs < training.epochs,
      'training.warmupEpochs must be fewer than training.epochs (--set training.warmupEpochs=...)',
      [training.warmupEpochs, training.epochs],
    ],
    [width % heads === 0, 'model.width must be a multiple of model.heads', [width, heads]],
    [
      decoder.width % decoder.heads === 0,
      'model.decoder.width must be a multiple of model.decoder.heads',
      [decoder.width, decoder.heads],
    ],
    [channels === 1 || channels === 3, 'model.channels must be 1 or 3', [channels]],
    [
      data.mean.length === channels && data.std.length === channels,
      'data.mean and data.std must have a value for each of model.channels',
      [`[${data.mean}]`, `[${data.std}]`, channels],
    ],
    [data.std.every((s) => s > 0), 'data.std must be above 0', [`[${data.std}]`]],
  ];
  for (const [holds, rule, got] of rules)
    if (!holds) throw new ConfigError(`${rule}, got ${got.join(' and ')}`);
}
