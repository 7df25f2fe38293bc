import { broadcast, constant, minimum, type Tensor } from '../graph/index.ts';
import type { Draws, PretextTask, TaskContext } from './task.ts';

/**
 * The share of each pixel of the predicted picture that the encoder's input shows, [B, 1, H, W] in [0, 1]; undefined where both show the same
 * places.
 * @param degraded [B, C, H, W], the encoder's input
 */
export function shownShare(
  task: PretextTask,
  degraded: Tensor,
  draws: Draws,
  context: TaskContext,
): Tensor | undefined {
  return task.place && minimum(task.place(everyPixel(degraded), draws, context), 1);
}

/** Ones for the pixels of images [B, C, H, W]: [B, 1, H, W]. */
export function everyPixel({ shape }: Tensor): Tensor {
  const [batch, , height, width] = shape as [number, number, number, number];
  return broadcast(constant(Float32Array.of(1), [1, 1, 1, 1]), [batch, 1, height, width]);
}
