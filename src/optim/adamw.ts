import {
  add,
  applyAll,
  defineOperation,
  div,
  mul,
  refuse,
  requireFloat,
  sameShape,
  sqrt,
  square,
  sub,
  type Tensor,
} from '../graph/index.ts';
import type { UpdateRule } from '../graph/update.ts';

/**
 * Inputs: weight, gradient, m, v of one shape; lr, correction1, correction2, scale as scalars.
 * Outputs: the next weight, m and v. Attributes: beta1, beta2, epsilon, weightDecay, lrScale.
 */
const adamwOperation = defineOperation({
  name: 'adamw',
  infer: (inputs) => {
    requireFloat('adamw', inputs);
    const [weight, gradient, m, v, ...scalars] = inputs as [Tensor, Tensor, Tensor, Tensor, ...Tensor[]];
    const alike = [gradient, m, v].every(({ shape }) => sameShape(shape, weight.shape));
    if (!alike || scalars.length !== 4 || scalars.some(({ shape }) => shape.length > 0))
      refuse('adamw', 'weight, gradient, m and v of one shape take four scalars', inputs);
    return [weight, m, v];
  },
  vjp: null,
  // As in PyTorch: decay first, then √v / √correction2 + ε below m / correction1.
  decompose: ({ attributes }, inputs) => {
    const { beta1, beta2, epsilon, weightDecay, lrScale } = attributes;
    const [weight, gradient, m, v, lr, correction1, correction2, scale] = inputs as Tensor[] & { length: 8 };
    const g = mul(gradient!, scale!);
    const nextM = add(mul(m!, beta1), mul(g, 1 - beta1));
    const nextV = add(mul(v!, beta2), mul(square(g), 1 - beta2));
    const rate = mul(lr!, lrScale);
    const decayed = mul(weight!, sub(1, mul(rate, weightDecay)));
    const spread = add(div(sqrt(nextV), sqrt(correction2!)), epsilon);
    return [sub(decayed, mul(div(rate, correction1!), div(nextM, spread))), nextM, nextV];
  },
});

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** AdamW: Adam with decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101, algorithm 2). */
export function adamw(options: AdamWOptions): UpdateRule {
  const { beta1, beta2, epsilon } = options;
  return {
    name: 'adamw',
    slots: ['m', 'v'],
    scalars: (step, lr) => ({
      lr,
      correction1: 1 - beta1 ** (step + 1),
      correction2: 1 - beta2 ** (step + 1),
    }),
    build: (weight, gradient, [m, v], { lr, correction1, correction2, scale }, { weightDecay, lrScale }) => {
      const inputs = [weight, gradient, m!, v!, lr!, correction1!, correction2!, scale!];
      const attributes = { beta1, beta2, epsilon, weightDecay, lrScale };
      const [next, ...slots] = applyAll(adamwOperation, inputs, attributes);
      return { weight: next!, slots };
    },
  };
}
