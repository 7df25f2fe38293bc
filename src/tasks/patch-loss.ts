import { mul, reshape, sub, sum, sumOfSquares, type Tensor } from '../graph/index.ts';
import type { Masking } from '../nn/masking.ts';
import { patchTarget } from '../nn/target.ts';
import type { Losses, LossInputs, TaskContext } from './task.ts';

/** Mean squared error of each image's prediction of the picture `clean` [B, C, H, W], over removed patches or all. */
export function recoveryLoss(
  { prediction, masking }: LossInputs,
  clean: Tensor,
  context: TaskContext,
): Losses {
  const target = patchTarget(clean, context, masking).values;
  return { losses: patchLoss(sub(prediction.removed ?? prediction.all, target)), parts: {} };
}

/** Mean square of each image's residual patches [B, N, P], over removed patches or all: [B]. */
export function patchLoss(residual: Tensor, masking?: Masking): Tensor {
  const [batch, patches, size] = residual.shape as [number, number, number];
  const squares = reshape(sumOfSquares(residual), [batch, patches]);
  const removed = masking ? patches - masking.keep.shape[1]! : patches;
  const chosen = sum(masking ? mul(squares, masking.mask) : squares, [1]);
  return reshape(mul(chosen, 1 / (removed * size)), [batch]);
}
