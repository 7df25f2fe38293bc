import { add, div, mean, mul, reshape, sqrt, square, sub, type Tensor } from '../graph/index.ts';
import { type LayerParameter, normParameters, type Weights } from './parameters.ts';

const EPSILON = 1e-5;
const MOMENTUM = 0.1;

/** Statistics of batch norms: of the batch (training) or the running ones, and the outputs for the next running ones. */
export type BatchStatistics = 'kept' | { readonly next: Map<string, Tensor> };

/** Weights and kept statistics of a batch norm, named as in PyTorch. */
export function batchNormParameters(name: string, width: number): LayerParameter[] {
  const kept = (part: string, kind: 'zeros' | 'ones'): LayerParameter => ({
    name: `${name}.${part}`,
    shape: [width],
    init: { kind },
    trainable: false,
    decay: false,
  });
  return [...normParameters(name, width), kept('running_mean', 'zeros'), kept('running_var', 'ones')];
}

/**
 * Batch norm over all but the last axis (arXiv 1502.03167), as PyTorch's: [..., C] → [..., C]. In training it puts the next kept
 * statistics into `next` by their names: a tenth of the way to those of the batch, whose variance is the unbiased one.
 */
export function batchNorm(x: Tensor, weights: Weights, name: string, statistics: BatchStatistics): Tensor {
  const kept = (part: string) => weights(`${name}.running_${part}`);
  const scaled = (centred: Tensor, variance: Tensor) => {
    const unit = div(centred, sqrt(add(variance, EPSILON)));
    return add(mul(unit, weights(`${name}.weight`)), weights(`${name}.bias`));
  };
  if (statistics === 'kept') return scaled(sub(x, kept('mean')), kept('var'));
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const count = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
  const average = mean(x, axes);
  const centred = sub(x, average);
  const variance = mean(square(centred), axes);
  const flat = (value: Tensor) => reshape(value, [x.shape.at(-1)!]);
  const towards = (part: string, value: Tensor, factor = 1) =>
    statistics.next.set(
      `${name}.running_${part}`,
      add(mul(kept(part), 1 - MOMENTUM), mul(flat(value), MOMENTUM * factor)),
    );
  towards('mean', average);
  towards('var', variance, count / Math.max(1, count - 1));
  return scaled(centred, variance);
}
