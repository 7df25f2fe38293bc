import { constant, crossEntropy, div, maximum, reshape, sumAll, type Tensor } from '../graph/index.ts';
import { oneHot } from './one-hot.ts';

/**
 * The cross-entropy of labelled pixels. A label that is no class (255) costs nothing and gives no gradient.
 * @param logits [B, H, W, K] @param labels class numbers, u8 [B, H, W]
 * @param over what the sum is divided by: all pixels, as in mmsegmentation, or those with a class (one at least)
 * @returns a number
 */
export function pixelCrossEntropy(
  logits: Tensor,
  labels: Tensor,
  over: 'all pixels' | 'labelled pixels' = 'all pixels',
): Tensor {
  const classes = logits.shape.at(-1)!;
  const targets = oneHot(reshape(labels, [-1]), classes);
  const losses = crossEntropy(reshape(logits, [-1, classes]), targets);
  const count = over === 'all pixels' ? constant(losses.shape[0]!) : maximum(sumAll(targets), 1);
  return div(sumAll(losses), count);
}
