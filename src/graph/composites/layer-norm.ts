import { add, div, mul, sqrt, square, sub } from '../operations/elementwise.ts';
import { mean } from '../operations/reduce.ts';
import { reshape } from '../operations/shape.ts';
import { sum } from '../operations/sum.ts';
import { defineComposite } from '../signatures.ts';
import { applyAll, refuse, requireFloat, sameShape, sizeOf, type Tensor } from '../tensor.ts';

const lastAxis = (x: Tensor) => [x.shape.length - 1];

const layerNormOperation = defineComposite<'layerNorm', readonly [y: Tensor, mu: Tensor, scale: Tensor]>({
  name: 'layerNorm',
  role: 'norm',
  infer: (inputs) => {
    requireFloat('layerNorm', inputs);
    const [x, weight, bias] = inputs;
    const width = x.shape.at(-1);
    if (
      weight.shape.length !== 1 ||
      weight.shape[0] !== width ||
      bias.shape.length !== 1 ||
      bias.shape[0] !== width
    )
      refuse('layerNorm', 'x [..., D], weight [D] and bias [D] must fit', inputs);
    const statistics = { shape: [...x.shape.slice(0, -1), 1], dtype: 'f32' } as const;
    return [x, statistics, statistics];
  },
  // The mean and scale are outputs for the gradient only. They have gradients themselves under second derivatives.
  vjp: ({ inputs: [x, weight], outputs: [, mu, scale] }, [dy, dMu, dScale]) =>
    !dy || dMu || dScale ? null : applyAll(layerNormGradOperation, [x, weight, mu, scale, dy]),
  decompose: ({ attributes: { epsilon } }, [x, weight, bias]) => {
    const mu = mean(x, lastAxis(x));
    const centred = sub(x, mu);
    const scale = div(1, sqrt(add(mean(square(centred), lastAxis(x)), epsilon)));
    return [add(mul(mul(centred, scale), weight), bias), mu, scale];
  },
});

/** Gradients of x, weight and bias. Inputs: x, weight, mean, scale, dy. */
const layerNormGradOperation = defineComposite<'layerNormGrad'>({
  name: 'layerNormGrad',
  role: 'norm',
  infer: (inputs) => {
    requireFloat('layerNormGrad', inputs);
    const [x, weight, mu, scale, dy] = inputs;
    const fits = sameShape(x.shape, dy.shape) && sameShape(weight.shape, x.shape.slice(-1));
    if (!fits || sizeOf(mu.shape) !== sizeOf(x.shape.slice(0, -1)) || !sameShape(mu.shape, scale.shape))
      refuse('layerNormGrad', 'x and dy [..., D], weight [D] and statistics [..., 1] must fit', inputs);
    return [x, weight, weight];
  },
  vjp: null,
  decompose: (_, [x, weight, mu, scale, dy]) => {
    const axis = lastAxis(x);
    const leading = x.shape.map((_, i) => i).slice(0, -1);
    const normal = mul(sub(x, mu), scale);
    const along = mul(dy, normal);
    const d = mul(dy, weight);
    const dx = mul(sub(sub(d, mean(d, axis)), mul(normal, mean(mul(along, weight), axis))), scale);
    return [dx, reshape(sum(along, leading), weight.shape), reshape(sum(dy, leading), weight.shape)];
  },
});

/** (x − mean) / √(variance + ε) · weight + bias over the last axis; biased variance (arXiv 1607.06450). */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon = 1e-6): Tensor {
  return applyAll(layerNormOperation, [x, weight, bias], { epsilon })[0]!;
}
