import {
  broadcast,
  clip,
  div,
  max,
  maximum,
  min,
  minimum,
  mul,
  reshape,
  sign,
  square,
  sub,
  sum,
  type Tensor,
} from '../graph/index.ts';
import { fromPicture, toPicture } from '../nn/normalise.ts';
import { unpatchify } from '../nn/patches.ts';
import { type SeenPicture, type SeenStatistics, seenStatistics } from '../nn/seen-statistics.ts';
import { targetOf } from '../nn/targets/table.ts';
import { everyPixel } from '../tasks/shown.ts';
import type { Draws, PretextTask, TaskContext } from '../tasks/task.ts';
import type { TaskGraph } from './task-graph.ts';

/** A pixel counts as seen if this share of it is seen. */
const SEEN = 0.999;

/** The tensors of a task that a recovered picture depends on. */
type Recovered = Pick<TaskGraph, 'context' | 'degraded' | 'mask' | 'prediction'>;

/**
 * Mean squared errors of recovered pictures, by image: [B]; of `errors:model`, the reconstruction, and of `errors:means`, flat patches. Both have the
 * statistics that the encoder could know. None for targets that cannot be drawn, and for tasks whose loss compares spectra: they leave the kept frequencies
 * of a prediction as they happen to be, and a picture without its low frequencies has no means.
 *
 * They are taken over the pixels that the encoder does not see whole: those of removed patches, and with a zoomed-in view also those
 * of its border. Where an image has no such pixel, as with a task that only degrades it, all pixels count. Pictures are compared on the scale
 * [0, 1], clipped.
 */
export function recoveryErrors(
  task: PretextTask,
  graph: Recovered,
  view: Tensor,
  draws: Draws,
): Record<string, Tensor> {
  if (task.judges === 'spectrum') return {};
  const { context, prediction } = graph;
  const { share, statistics } = knownPicture(task, graph, draws);
  const drawn = drawnPatches(prediction, statistics.drawn, context);
  if (!drawn) return {};
  const original = task.clean(view, context, draws);
  const of = (picture: Tensor) => unseenErrors(picture, original, share, context);
  return { 'errors:model': of(drawn), 'errors:means': of(statistics.means) };
}

/** The seen part of the picture that is predicted, and the statistics of patches that the encoder could know by it. */
export function knownPicture(
  task: PretextTask,
  { context, degraded, mask }: Recovered,
  draws: Draws,
): { readonly share: Tensor | undefined; readonly statistics: SeenStatistics } {
  const seen = seenPicture(task, degraded, mask, draws, context);
  return { share: seen.share, statistics: onScale(seenStatistics(seen, context), context) };
}

/**
 * Statistics on the scale of pictures, which a filter bank leaves: where the means of an image go beyond [0, 1], all its values are moved and
 * divided so that the darkest and the brightest mean lie on the ends.
 */
function onScale({ means, drawn }: SeenStatistics, context: TaskContext): SeenStatistics {
  const picture = toPicture(means, context);
  const low = minimum(min(picture, [1, 2, 3]), 0);
  const width = sub(maximum(max(picture, [1, 2, 3]), 1), low);
  const moved = (x: Tensor) => fromPicture(div(sub(toPicture(x, context), low), width), context);
  return { means: moved(means), drawn: moved(drawn) };
}

/** The image of predicted values, normalised, with the statistics of another one where the target asks for them. */
export function drawnPatches(values: Tensor, by: Tensor, context: TaskContext): Tensor | undefined {
  const pixels = targetOf(context.target).toPixels?.(values, by, context);
  return pixels && unpatchify(pixels, context);
}

/**
 * The part of the predicted picture that an encoder sees: the patches that are not removed, where the task places them.
 * @param degraded [B, C, H, W], the encoder's input before tokens are removed @param mask f32 [B, N], 1 for removed tokens
 */
function seenPicture(
  task: PretextTask,
  degraded: Tensor,
  mask: Tensor | undefined,
  draws: Draws,
  context: TaskContext,
): SeenPicture {
  if (!mask && !task.place) return { picture: degraded };
  const kept = mask ? pixelsOf(sub(1, mask), context) : everyPixel(degraded);
  if (!task.place) return { picture: degraded, share: kept };
  const covered = task.place(kept, draws, context);
  const moved = task.place(mul(degraded, kept), draws, context);
  return { picture: div(moved, maximum(covered, 1e-6)), share: minimum(covered, 1) };
}

/** Mean squared errors over unseen pixels: [B]. @param share of each pixel that is seen */
function unseenErrors(
  drawn: Tensor,
  original: Tensor,
  share: Tensor | undefined,
  context: TaskContext,
): Tensor {
  const [batch, channels] = drawn.shape as [number, number];
  const shown = (x: Tensor) => clip(toPicture(x, context), 0, 1);
  const errors = square(sub(shown(drawn), shown(original)));
  const weights = share ? unseen(share) : everyPixel(drawn);
  const byImage = (x: Tensor) => sum(reshape(x, [batch, -1]), [1]);
  const counted = byImage(mul(errors, weights));
  return reshape(div(counted, mul(byImage(weights), channels)), [batch]);
}

/** 1 for pixels that are not seen whole, 0 for others; 1 for all pixels of an image that is seen whole. */
function unseen(share: Tensor): Tensor {
  const [batch] = share.shape as [number];
  const missing = sign(maximum(sub(SEEN, share), 0));
  const any = sign(sum(reshape(missing, [batch, -1]), [1]));
  return maximum(missing, reshape(sub(1, any), [batch, 1, 1, 1]));
}

/** A map [B, 1, H, W] of values of patches [B, N]. */
function pixelsOf(values: Tensor, { image, patch }: TaskContext): Tensor {
  const [batch, count] = values.shape as [number, number];
  const patches = broadcast(reshape(values, [batch, count, 1]), [batch, count, patch ** 2]);
  return unpatchify(patches, { image, patch, channels: 1 });
}
