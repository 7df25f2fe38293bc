import type { Tensor } from '../graph/index.ts';
import type { Normalisation } from '../image/normalise.ts';
import { patchCount } from '../image/size.ts';
import { encodeVisible, recover } from '../models/autoencoder.ts';
import type { AutoencoderConfig } from '../models/config.ts';
import { maskTokens, visibleTokens } from '../nn/masking.ts';
import type { Weights } from '../nn/parameters.ts';
import { maskRatioOf, taskFault } from '../tasks/fit.ts';
import type { Draws, Losses, PretextTask, TaskContext } from '../tasks/task.ts';
import { plural } from '../text/plural.ts';

/** A pretext task on a model. */
export interface TaskOptions extends Normalisation {
  readonly model: AutoencoderConfig;
  readonly task: PretextTask;
  /** Share of the tokens that a task removes, if it removes any. Default: the task's own, mostly 0.75. */
  readonly maskRatio?: number | undefined;
}

/** The tensors of a task on one batch. */
export interface TaskGraph extends Losses {
  /** [B, C, H, W], normalised */
  readonly degraded: Tensor;
  /** [B, N, size], values of the target: of pixels, a patch's in the order (channel, row, column) */
  readonly prediction: Tensor;
  /** f32 [B, N], 1 for removed tokens; undefined where none is */
  readonly mask: Tensor | undefined;
  readonly context: TaskContext;
  /** [B, K, D], the encoder's tokens of the degraded image, without those of removed patches; after the class token where the model has one */
  readonly tokens: Tensor;
}

/**
 * Degrades a normalised view [B, C, Hv, Wv], removes tokens, encodes, decodes and judges.
 * Throws RangeError where the task does not fit the model.
 */
export function taskGraph(options: TaskOptions, weights: Weights, view: Tensor, draws: Draws): TaskGraph {
  const { model, task, mean, std, maskRatio = maskRatioOf(task) } = options;
  checkTask(options);
  const { image, patch, channels, target } = model;
  const context: TaskContext = { image, patch, channels, target, mean, std };
  const count = patchCount(model);
  const visible = task.mask ? visibleTokens(count, maskRatio) : count;
  const masking = visible < count ? maskTokens(draws.order!, visible) : undefined;
  const degraded = task.degrade(view, draws, context);
  const guide = task.guide?.(view, draws, context);
  const prediction = recover(model, weights, degraded, { masking, guide });
  const losses = task.loss({ prediction, view, draws, masking }, context);
  const tokens = encodeVisible(model, weights, degraded, masking);
  return { ...losses, degraded, prediction: prediction.all, mask: masking?.mask, context, tokens };
}

function checkTask({ model, task, mean, std }: TaskOptions): void {
  const fault = taskFault(task, model);
  if (fault) throw new RangeError(fault);
  if (task.channels !== undefined && task.channels !== model.channels)
    throw new RangeError(
      `task ${task.name} needs images of ${plural(task.channels, 'channel')}, got ${model.channels}`,
    );
  if (mean.length !== model.channels || std.length !== model.channels)
    throw new RangeError(
      `mean and std must have a value for each of ${plural(model.channels, 'channel')}, got ${mean.length} and ${std.length}`,
    );
}
