import { add, div, mul, sign, sqrt, square, sub, sum, type Tensor } from '../graph/index.ts';
import type { UpdateRule } from '../graph/update.ts';
import { type StackOptions, unstack } from './stack.ts';

export interface LarsOptions extends StackOptions {
  readonly momentum: number;
  /** η of the paper: length of an update relative to the weights, at a learning rate of 1. */
  readonly trust: number;
}

/**
 * LARS (You et al., arXiv 1708.03888, algorithm 1) in the form of MAE's linear probe: the gradient g with decay is
 * scaled by η·‖w‖/‖g‖, for matrices only, then v ← μ·v + g, w ← w − lr·v. Vectors and scalars (biases, norms) are
 * neither scaled nor decayed. The scale is 1 if ‖w‖ or ‖g‖ is 0.
 */
export function lars({ momentum, trust, rates }: LarsOptions): UpdateRule {
  return {
    name: 'lars',
    slots: ['momentum'],
    scalars: (_, lr) => ({ lr }),
    build: (weight, gradient, [velocity], { lr, scale }, { weightDecay, lrScale }) => {
      const g = mul(gradient, scale!);
      const { axes, rate } = unstack(weight, rates);
      const decayed = () => add(g, mul(weight, weightDecay));
      const scaled = axes.length > 1 ? adapt(weight, decayed(), trust, axes) : g;
      const next = add(mul(velocity!, momentum), scaled);
      return { weight: sub(weight, mul(mul(mul(lr!, lrScale), rate), next)), slots: [next] };
    },
  };
}

/** g · trust · ‖w‖ / ‖g‖, norms over `axes`; g if either norm is 0. */
function adapt(weight: Tensor, g: Tensor, trust: number, axes: readonly number[]): Tensor {
  const [weightNorm, norm] = [weight, g].map((x) => sqrt(sum(square(x), axes))) as [Tensor, Tensor];
  const both = mul(sign(weightNorm), sign(norm)); // 1 where both are positive, else 0
  const neither = sub(1, both);
  const ratio = div(mul(weightNorm, trust), add(norm, neither));
  return mul(g, add(mul(both, ratio), neither));
}
