import { add, mul, sub } from '../graph/index.ts';
import type { UpdateRule } from '../graph/update.ts';

export interface SgdOptions {
  readonly momentum: number;
}

/** Stochastic gradient descent with momentum and coupled weight decay, as in PyTorch: v ← μ·v + g, w ← w − lr·v. */
export function sgd({ momentum }: SgdOptions): UpdateRule {
  return {
    name: 'sgd',
    slots: ['momentum'],
    scalars: (_, lr) => ({ lr }),
    build: (weight, gradient, [velocity], { lr, scale }, { weightDecay, lrScale }) => {
      const g = add(mul(gradient, scale!), mul(weight, weightDecay));
      const next = add(mul(velocity!, momentum), g);
      return { weight: sub(weight, mul(mul(lr!, lrScale), next)), slots: [next] };
    },
  };
}
