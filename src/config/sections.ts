import { IMAGENET } from '../image/normalise.ts';
import {
  atLeast,
  flag,
  fraction,
  interval,
  numbers,
  oneOf,
  positive,
  probability,
  range,
  section,
  share,
  size,
  text,
  view,
  whole,
} from './fields.ts';

/*
 * Settings that several kinds of runs share. A function takes the defaults that differ between kinds.
 */

/** Images, and the views cropped from them. */
export const dataFields = (defaults: { readonly scale: [number, number]; readonly heldOut: number }) => ({
  source: text().default('').describe('images: a folder, or another source, see `list sources`'),
  mean: numbers(1)
    .default([...IMAGENET.mean])
    .describe('mean of each channel, of pixels in [0, 1]'),
  std: numbers(1)
    .default([...IMAGENET.std])
    .describe('standard deviation of each channel'),
  range: interval()
    .default([])
    .describe(
      'samples of TIFF files and 16-bit PNGs that mean 0 and 1, such as 0,10000; empty: the range of their type, 0 and 1 for floating point',
    ),
  scale: range().default(defaults.scale).describe("random resized crop: share of the image's area"),
  ratio: range()
    .default([3 / 4, 4 / 3])
    .describe('random resized crop: width over height'),
  flip: probability().default(0.5).describe('probability of mirroring left and right'),
  evaluationCrop: share()
    .default(224 / 256)
    .describe("side of an evaluation view relative to the image's shorter side, cut from the centre"),
  evaluationView: view()
    .default(null)
    .describe(
      "evaluation view described by another project's file, if evaluationCrop alone cannot express it; null: evaluationCrop",
    ),
  heldOut: fraction()
    .default(defaults.heldOut)
    .describe('share of the images set aside to evaluate on, 0: none; not from a source with a test set'),
  trainImages: whole(0).default(0).describe('most training images, chosen at random; 0: all'),
});

/** Width, depth and heads of a stack of blocks. */
export const stackFields = (width: number, depth: number, heads: number, part: string) => ({
  width: whole(1).default(width).describe(`${part}: width of a token's features`),
  depth: whole(1).default(depth).describe(`${part}: number of blocks`),
  heads: whole(1).default(heads).describe(`${part}: attention heads`),
});

/** An encoder; by default the paper's ViT-B. */
export const encoderFields = {
  image: size('pixels').default([224, 224]).describe('height and width of the input of the encoder'),
  patch: whole(1).default(16).describe('side of a patch in pixels'),
  channels: whole(1)
    .default(3)
    .describe(
      'channels of the images: 3 (colour), 1 (grey), or the number of bands of the files (TIFF, PNG with alpha)',
    ),
  ...stackFields(768, 12, 12, 'encoder'),
  mlpRatio: positive().default(4).describe('hidden width of the MLPs relative to the width'),
  classToken: flag().default(false).describe('true: the encoder has a class token, as in MAE'),
  positions: oneOf(['sincos1d', 'sincos2d', 'learned'])
    .default('sincos1d')
    .describe("positions: the paper's 1-D sines and cosines, MAE's 2-D ones, or learned ones"),
  epsilon: positive().default(1e-6).describe("epsilon of the layer norms; Hugging Face's ViTs: 1e-12"),
};

/** The learning rates of the blocks of a pre-trained encoder. */
export const layerDecayField = (usual: number) =>
  share()
    .default(usual)
    .describe('learning rate of a block relative to the block above it; 1: the same for all');

export const dropPathField = () =>
  fraction().default(0.1).describe('drop path: probability in the last block, growing linearly from 0');

export const emaField = () =>
  fraction()
    .default(0)
    .describe('decay of a moving average of the weights, which is also evaluated; 0: none');

/** The evaluations of a model with a head. */
export const evaluationFields = () => ({
  images: whole(0).default(0).describe('most images to evaluate on; 0: all'),
  every: whole(1).default(1).describe('epochs from one evaluation to the next'),
});

/** Pictures of an evaluation. */
export const picturesField = () =>
  whole(0).default(4).describe('images in the picture written at each evaluation; 0: none');

/** The optimizer, its schedule, and the batches. */
export const trainingFields = (defaults: {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly minLearningRate: number;
  readonly warmupEpochs: number;
  readonly beta2: number;
}) => ({
  epochs: whole(1)
    .default(defaults.epochs)
    .describe('passes over the training images; they set the schedule'),
  maxSteps: whole(0)
    .default(0)
    .describe('stop after this number of updates without changing the schedule (0: no limit)'),
  batchSize: whole(1).default(defaults.batchSize).describe('images of one update'),
  microBatch: whole(0)
    .default(0)
    .describe(
      'images computed at once, to save memory; the update equals that of the whole batch, up to rounding; 0: all',
    ),
  learningRate: positive()
    .default(defaults.learningRate)
    .describe('peak learning rate for a batch of 256; scaled by batchSize / 256'),
  minLearningRate: atLeast(0)
    .default(defaults.minLearningRate)
    .describe('learning rate at the end of the cosine, not scaled'),
  warmupEpochs: atLeast(0).default(defaults.warmupEpochs).describe('epochs of linear warm-up from 0'),
  weightDecay: atLeast(0).default(0.05).describe('decoupled; not on biases, norms, tokens, positions'),
  beta1: fraction().default(0.9).describe('AdamW: decay of the first moment'),
  beta2: fraction().default(defaults.beta2).describe('AdamW: decay of the second moment'),
  epsilon: positive().default(1e-8).describe('AdamW: added to the root of the second moment'),
  clip: atLeast(0).default(0).describe('largest norm of all gradients together; 0: no clipping'),
  nonFinite: oneOf(['stop', 'skip'])
    .default('stop')
    .describe('when a loss or gradient is not finite: stop the run, or skip the update'),
});

export const checkpoints = section({
  every: whole(0)
    .default(500)
    .describe(
      'steps from one checkpoint to the next; 0: at the end of epochs only, where there is one anyway, 50 steps apart or more',
    ),
  keep: whole(1).default(3).describe('number of checkpoints kept, the newest ones'),
  keepEvery: whole(0)
    .default(0)
    .describe('epochs from one checkpoint that is never deleted to the next; 0: only the newest are kept'),
});

export const recipe = text().default('custom').describe('recipe that the settings started from');
export const from = text()
  .default('')
  .describe('checkpoint, run folder or weights file to start from; empty: random weights');
export const seed = whole(0).default(0).describe('everything random follows from it');
