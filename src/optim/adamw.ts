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
 * Inputs: weight, gradient, m, v and optionally the moving average, all of one shape; lr, correction1, correction2,
 * scale as scalars. Outputs: the next weight, m, v and average. Attributes: beta1, beta2, epsilon, weightDecay,
 * lrScale, ema (0: no average).
 */
const adamwOperation = defineOperation({
  name: 'adamw',
  role: 'pointwise',
  infer: (inputs, { ema }) => {
    requireFloat('adamw', inputs);
    const [weight, gradient, ...slots] = inputs.slice(0, -4) as [Tensor, Tensor, ...Tensor[]];
    const alike = [gradient, ...slots].every(({ shape }) => sameShape(shape, weight.shape));
    if (!alike || slots.length !== (ema ? 3 : 2) || inputs.slice(-4).some(({ shape }) => shape.length > 0))
      refuse('adamw', 'weight, gradient and slots of one shape take four scalars', inputs);
    return [weight, ...slots];
  },
  vjp: null,
  // As in PyTorch: decay first, then m / correction1 divided by √v / √correction2 + ε.
  decompose: ({ attributes }, inputs) => {
    const { beta1, beta2, epsilon, weightDecay, lrScale, ema } = attributes;
    const [weight, gradient, m, v, average] = inputs.slice(0, -4);
    const [lr, correction1, correction2, scale] = inputs.slice(-4);
    const g = mul(gradient!, scale!);
    const nextM = add(mul(m!, beta1), mul(g, 1 - beta1));
    const nextV = add(mul(v!, beta2), mul(square(g), 1 - beta2));
    const rate = mul(lr!, lrScale);
    const decayed = mul(weight!, sub(1, mul(rate, weightDecay)));
    const spread = add(div(sqrt(nextV), sqrt(correction2!)), epsilon);
    const next = sub(decayed, mul(div(rate, correction1!), div(nextM, spread)));
    return [next, nextM, nextV, ...(average ? [add(mul(average, ema), mul(next, 1 - ema))] : [])];
  },
});

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /**
   * Decay of a moving average of the weights, in the slot `ema`, which must start as a copy of the weights. Default:
   * 0, no average.
   */
  readonly ema?: number;
}

/** AdamW: Adam with decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101, algorithm 2). */
export function adamw(options: AdamWOptions): UpdateRule {
  const { beta1, beta2, epsilon, ema = 0 } = options;
  return {
    name: 'adamw',
    slots: ema > 0 ? ['m', 'v', 'ema'] : ['m', 'v'],
    scalars: (step, lr) => ({
      lr,
      correction1: 1 - beta1 ** (step + 1),
      correction2: 1 - beta2 ** (step + 1),
    }),
    build: (weight, gradient, slots, { lr, correction1, correction2, scale }, { weightDecay, lrScale }) => {
      const inputs = [weight, gradient, ...slots, lr!, correction1!, correction2!, scale!];
      const attributes = { beta1, beta2, epsilon, weightDecay, lrScale, ema };
      const [next, ...nextSlots] = applyAll(adamwOperation, inputs, attributes);
      return { weight: next!, slots: nextSlots };
    },
  };
}
