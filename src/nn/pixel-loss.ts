import {
  abs,
  cast,
  constant,
  crossEntropy,
  div,
  maximum,
  minimum,
  reshape,
  sub,
  sumAll,
  type Tensor,
} from '../graph/index.ts';

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

/** Labels [N] as rows of 0 and 1, [N, K]; that of a label which is no class is 0. */
function oneHot(labels: Tensor, classes: number): Tensor {
  const numbers = constant(
    Float32Array.from({ length: classes }, (_, k) => k),
    [1, classes],
  );
  return sub(1, minimum(abs(sub(reshape(cast(labels, 'f32'), [-1, 1]), numbers)), 1));
}
