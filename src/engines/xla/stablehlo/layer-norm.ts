import { add, div, maximum, mul, sqrt, square, sub } from '../../../graph/operations/elementwise.ts';
import { mean } from '../../../graph/operations/reduce.ts';
import { reshape } from '../../../graph/operations/shape.ts';
import { sum } from '../../../graph/operations/sum.ts';
import type { DecompositionOf } from '../../../graph/passes/optimise.ts';
import { applyAll } from '../../../graph/tensor.ts';
import { barrierOperation } from './rematerialise.ts';

/**
 * A layer norm that reads its rows once for both statistics: the variance is the mean square less the mean's square. Sums in
 * float32 lose less by that than rows of bfloat16 have lost already. Shares are taken before a sum: a pass less after it.
 */
export const layerNormInOnePass: DecompositionOf<'layerNorm'> = (
  { attributes: { epsilon } },
  [x, weight, bias],
) => {
  const share = mul(x, 1 / x.shape.at(-1)!);
  const axis = [x.shape.length - 1];
  const mu = sum(share, axis);
  const variance = maximum(sub(sum(mul(share, x), axis), square(mu)), 0);
  const scale = div(1, sqrt(add(variance, epsilon)));
  return [add(mul(mul(sub(x, mu), scale), weight), bias), mu, scale];
};

/**
 * Gradients of a layer norm, the sums over features and those over tokens from terms of their own: a term that both read
 * would be written to memory, in float32, where each is else computed as it is read. Behind the barrier the statistics are
 * those of the forward pass: without it XLA computes them anew for the sums over tokens.
 */
export const layerNormGrad: DecompositionOf<'layerNormGrad'> = (_, [x, weight, mu, scale, dy]) => {
  const axis = [x.shape.length - 1];
  const leading = x.shape.map((_, i) => i).slice(0, -1);
  const normal = mul(sub(x, mu), scale);
  const d = mul(dy, weight);
  const dx = mul(sub(sub(d, mean(d, axis)), mul(normal, mean(mul(d, normal), axis))), scale);
  const [mu2, scale2] = applyAll(barrierOperation, [mu, scale]);
  const dWeight = reshape(sum(mul(dy, mul(sub(x, mu2!), scale2!)), leading), weight.shape);
  return [dx, dWeight, reshape(sum(dy, leading), weight.shape)];
};
