import { mul, reshape, sub, sum, sumOfSquares, type Tensor } from '../graph/index.ts';
import type { Masking } from '../nn/masking.ts';
import { targetOf } from '../nn/targets/table.ts';
import type { Losses, LossInputs, TaskContext } from './task.ts';

/**
 * Mean squared error between each image's prediction and the target of `clean` [B, C, H, W], over the removed patches that are
 * predicted, or over all patches if none are removed.
 */
export function recoveryLoss(
  { prediction: { all, removed } }: LossInputs,
  clean: Tensor,
  context: TaskContext,
): Losses {
  const target = targetOf(context.target).of(clean, context, removed?.tokens);
  return { losses: patchLoss(sub(removed?.values ?? all, target)), parts: {} };
}

/** Mean square of each image's residual patches [B, N, P], over the removed patches, or over all without masking: [B]. */
export function patchLoss(residual: Tensor, masking?: Masking): Tensor {
  const [batch, patches, size] = residual.shape as [number, number, number];
  const squares = reshape(sumOfSquares(residual), [batch, patches]);
  const removed = masking ? patches - masking.keep.shape[1]! : patches;
  const chosen = sum(masking ? mul(squares, masking.mask) : squares, [1]);
  return reshape(mul(chosen, 1 / (removed * size)), [batch]);
}
