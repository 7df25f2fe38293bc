import { z } from 'zod';
import { ConfigError } from './error.ts';
import { atLeast, oneOf, positive, section, share, text, whole } from './fields.ts';
import { parseSettings } from './parse.ts';

const rates = 'must be a list of one or more different numbers above 0';

/** MAE's learning rate and higher ones: small data sets get fewer updates than ImageNet. SGD takes larger steps and needs lower rates. */
const GRIDS = {
  lars: [0.1, 0.2, 0.5, 1, 2, 5, 10],
  sgd: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
} as const;

/** All settings of a linear probe. Each has a default: MAE's value, except for the batch size. */
export const linprobeSchema = section({
  data: text().optional().describe("training images; default: those of the model's run"),
  test: text().optional().describe('test images; default: the test set of data, or heldOut'),
  heldOut: share()
    .optional()
    .describe("held-out share of the images, if test is not given; default: the run's, else 0.1"),
  trainImages: whole(0).default(0).describe('largest number of training images, chosen at random; 0: all'),
  testImages: whole(0).default(0).describe('largest number of test images, chosen at random; 0: all'),
  pooling: oneOf(['mean', 'token']).optional().describe("mean of the patches' tokens, or class token"),
  optimizer: oneOf(['lars', 'sgd']).default('lars').describe('LARS without decay, or SGD; momentum 0.9'),
  learningRates: z
    .array(positive(), { error: rates })
    .refine((list) => list.length > 0 && new Set(list).size === list.length, { error: rates })
    .optional()
    .describe('peak learning rates for a batch of 256, tried side by side; scaled by batchSize / 256'),
  chooseOn: share()
    .default(0.1)
    .describe('share of the training images held out to choose the learning rate'),
  epochs: whole(1).default(90).describe('passes over the training images'),
  warmupEpochs: atLeast(0).default(10).describe('epochs of linear warm-up from 0; a cosine to 0 follows'),
  batchSize: whole(0)
    .default(0)
    .describe("images of one update; 0: a 16th of the images, from 64 to MAE's 16,384"),
  seed: whole(0).default(0).describe('everything random follows from it'),
});

/** The settings of a linear probe as a user writes them: any subset. */
export type LinprobeInput = z.input<typeof linprobeSchema>;

/** Complete settings of a linear probe, except for the values that the model and the images determine. */
export type LinprobeConfig = z.output<typeof linprobeSchema> & {
  readonly learningRates: readonly number[];
};

/** Content of a probe's `config.json`. */
export interface ProbeRun extends LinprobeConfig {
  readonly kind: 'linprobe';
  /** The path of the probed model, as the user wrote it. */
  readonly from: string;
}

/** Completes and checks settings. Throws ConfigError with each wrong setting, its rule and its value. */
export function parseLinprobeConfig(input: unknown): LinprobeConfig {
  const config = parseSettings(linprobeSchema, input);
  if (config.warmupEpochs >= config.epochs)
    throw new ConfigError(
      `warmupEpochs must be fewer than epochs, got ${config.warmupEpochs} and ${config.epochs}`,
    );
  return { ...config, learningRates: config.learningRates ?? [...GRIDS[config.optimizer]] };
}

/** Completes and checks the contents of a probe's `config.json`, without its `kind`. */
export function parseProbeRun(input: unknown): { readonly from: string; readonly settings: LinprobeConfig } {
  const { from, ...settings } = input as { readonly from?: unknown };
  if (typeof from !== 'string') throw new ConfigError(`from must be a text, got ${from}`);
  return { from, settings: parseLinprobeConfig(settings) };
}

/** Images per update: the setting, or by default the largest power of two up to a 16th of the images, within 64 … 16,384. */
export function probeBatch({ batchSize }: Pick<LinprobeConfig, 'batchSize'>, images: number): number {
  if (batchSize > 0) return batchSize;
  const share = 2 ** Math.floor(Math.log2(Math.max(1, images / 16)));
  return Math.min(images, Math.max(64, Math.min(16_384, share)));
}
