import { add, mul, sub } from '../graph/index.ts';
import type { UpdateRule } from '../graph/update.ts';
import { type StackOptions, unstack } from './stack.ts';

export interface SgdOptions extends StackOptions {
  readonly momentum: number;
}

/** Stochastic gradient descent with momentum and coupled weight decay, as in PyTorch: v ← μ·v + g, w ← w − lr·v. */
export function sgd({ momentum, rates }: SgdOptions): UpdateRule {
  return {
    name: 'sgd',
    slots: ['momentum'],
    scalars: (_, lr) => ({ lr }),
    build: (weight, gradient, [velocity], { lr, scale }, { weightDecay, lrScale }) => {
      const g = add(mul(gradient, scale!), mul(weight, weightDecay));
      const next = add(mul(velocity!, momentum), g);
      const { rate } = unstack(weight, rates);
      return { weight: sub(weight, mul(mul(mul(lr!, lrScale), rate), next)), slots: [next] };
    },
  };
}
