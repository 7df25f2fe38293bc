import { add, div, mul, batchNorm as normed, sqrt, sub, type Tensor } from '../graph/index.ts';
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
  if (statistics === 'kept') {
    const unit = div(sub(x, kept('mean')), sqrt(add(kept('var'), EPSILON)));
    return add(mul(unit, weights(`${name}.weight`)), weights(`${name}.bias`));
  }
  const { y, average, variance } = normed(x, weights(`${name}.weight`), weights(`${name}.bias`), EPSILON);
  const count = x.shape.slice(0, -1).reduce((product, side) => product * side, 1);
  const towards = (part: string, value: Tensor, factor = 1) =>
    statistics.next.set(
      `${name}.running_${part}`,
      add(mul(kept(part), 1 - MOMENTUM), mul(value, MOMENTUM * factor)),
    );
  towards('mean', average);
  towards('var', variance, count / Math.max(1, count - 1));
  return y;
}
