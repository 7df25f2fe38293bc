import { add, div, mul, sqrt, square, sub } from '../operations/elementwise.ts';
import { mean } from '../operations/reduce.ts';
import { reshape } from '../operations/shape.ts';
import { sum } from '../operations/sum.ts';
import { defineComposite } from '../signatures.ts';
import { applyAll, refuse, requireFloat, sameShape, sizeOf, type Tensor } from '../tensor.ts';

const leading = (x: Tensor) => x.shape.slice(0, -1).map((_, axis) => axis);

const batchNormOperation = defineComposite<
  'batchNorm',
  readonly [y: Tensor, average: Tensor, variance: Tensor]
>({
  name: 'batchNorm',
  role: 'norm',
  infer: (inputs) => {
    requireFloat('batchNorm', inputs);
    const [x, weight, bias] = inputs;
    const width = x.shape.slice(-1);
    const fits = sameShape(weight.shape, width) && sameShape(bias.shape, width);
    if (!fits || x.shape.length < 2 || sizeOf(x.shape) === 0)
      refuse('batchNorm', 'x [..., C], not empty, weight [C] and bias [C] must fit', inputs);
    return [x, weight, weight];
  },
  // The statistics have gradients themselves under second derivatives.
  vjp: ({ inputs: [x, weight], outputs: [, average, variance], attributes }, [dy, dAverage, dVariance]) =>
    !dy || dAverage || dVariance
      ? null
      : applyAll(batchNormGradOperation, [x, weight, average, variance, dy], attributes),
  decompose: ({ attributes: { epsilon } }, [x, weight, bias]) => {
    const average = mean(x, leading(x));
    const centred = sub(x, average);
    const variance = mean(square(centred), leading(x));
    const y = add(mul(div(centred, sqrt(add(variance, epsilon))), weight), bias);
    return [y, reshape(average, weight.shape), reshape(variance, weight.shape)];
  },
});

/** Gradients of x, weight and bias. Inputs: x, weight, average, variance, dy. */
const batchNormGradOperation = defineComposite<'batchNormGrad'>({
  name: 'batchNormGrad',
  role: 'norm',
  infer: (inputs) => {
    requireFloat('batchNormGrad', inputs);
    const [x, weight, average, variance, dy] = inputs;
    const rows = [weight, average, variance].every(({ shape }) => sameShape(shape, x.shape.slice(-1)));
    if (!rows || !sameShape(x.shape, dy.shape))
      refuse('batchNormGrad', 'x and dy [..., C], weight and statistics [C] must fit', inputs);
    return [x, weight, weight];
  },
  vjp: null,
  decompose: ({ attributes: { epsilon } }, [x, weight, average, variance, dy]) => {
    const count = sizeOf(x.shape) / x.shape.at(-1)!;
    const scale = div(1, sqrt(add(variance, epsilon)));
    const normal = mul(sub(x, average), scale);
    const dWeight = reshape(sum(mul(dy, normal), leading(x)), weight.shape);
    const dBias = reshape(sum(dy, leading(x)), weight.shape);
    const rest = sub(sub(dy, div(dBias, count)), mul(normal, div(dWeight, count)));
    return [mul(rest, mul(weight, scale)), dWeight, dBias];
  },
});

/**
 * (x − mean) / √(variance + ε) · weight + bias over all but the last axis (arXiv 1502.03167): [..., C] → [..., C].
 * @returns the result, and the batch's mean and biased variance [C]
 */
export function batchNorm(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  epsilon: number,
): { y: Tensor; average: Tensor; variance: Tensor } {
  const [y, average, variance] = applyAll(batchNormOperation, [x, weight, bias], { epsilon });
  return { y: y!, average: average!, variance: variance! };
}
