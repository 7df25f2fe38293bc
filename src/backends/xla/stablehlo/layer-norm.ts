import { mul, sub } from '../../../graph/operations/elementwise.ts';
import { mean, sum } from '../../../graph/operations/reduce.ts';
import { reshape } from '../../../graph/operations/shape.ts';
import { applyAll, type Operation } from '../../../graph/tensor.ts';
import { barrierOperation } from './rematerialise.ts';

/**
 * Gradients of a layer norm, the sums over features and those over tokens from terms of their own: a term that both read
 * would be written to memory, in float32, where each is else computed as it is read. Behind the barrier the statistics are
 * those of the forward pass: without it XLA computes them anew for the sums over tokens.
 */
export const layerNormGrad: NonNullable<Operation['decompose']> = (_, [x, weight, mu, scale, dy]) => {
  const axis = [x!.shape.length - 1];
  const leading = x!.shape.map((_, i) => i).slice(0, -1);
  const normal = mul(sub(x!, mu!), scale!);
  const d = mul(dy!, weight!);
  const dx = mul(sub(sub(d, mean(d, axis)), mul(normal, mean(mul(d, normal), axis))), scale!);
  const [mu2, scale2] = applyAll(barrierOperation, [mu!, scale!]);
  const dWeight = reshape(sum(mul(dy!, mul(sub(x!, mu2!), scale2!)), leading), weight!.shape);
  return [dx, dWeight, reshape(sum(dy!, leading), weight!.shape)];
};
