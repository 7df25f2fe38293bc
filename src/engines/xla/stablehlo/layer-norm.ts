import { add, div, maximum, mul, sqrt, square, sub } from '../../../graph/operations/elementwise.ts';
import { mean } from '../../../graph/operations/reduce.ts';
import { reshape } from '../../../graph/operations/shape.ts';
import { sum } from '../../../graph/operations/sum.ts';
import type { DecompositionOf } from '../../../graph/passes/optimise.ts';
import { applyAll } from '../../../graph/tensor.ts';
import { barrierOperation } from './rematerialise.ts';

/**
 * A layer norm that reads its rows once for both statistics: variance = mean square − squared mean. The loss of
 * precision in float32 is smaller than that of rows in bfloat16. Scales before the sum rather than after it, which
 * saves a pass.
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
 * Gradients of a layer norm with separate terms for the sums over features and the sums over tokens. A shared term
 * would be written to memory in float32; separate ones are computed while they are read. The barrier reuses the
 * statistics of the forward pass; without it, XLA recomputes them for the sums over tokens.
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
