import { definePrimitive, type NodeOf } from '../signatures.ts';
import { apply, refuse, requireFloat, sizeOf, type Tensor } from '../tensor.ts';
import { abs, div, mul, sign, sub } from './elementwise.ts';
import { broadcast, requireAxes, reshape } from './shape.ts';

function reduction(name: 'sum' | 'max', vjp: (node: NodeOf<'sum'>, dy: Tensor) => Tensor) {
  return definePrimitive({
    name,
    role: 'reduce',
    infer: (inputs, { axes }) => {
      const [x] = inputs;
      requireFloat(name, inputs);
      requireAxes(name, x, axes);
      if (name === 'max' && axes.some((axis: number) => x.shape[axis] === 0))
        refuse(name, `axes (${axes.join(', ')}) must hold something`, inputs);
      return [{ shape: x.shape.map((side, axis) => (axes.includes(axis) ? 1 : side)), dtype: 'f32' }];
    },
    vjp: (node, [dy]) => [vjp(node, dy)],
  });
}

const sumOperation = reduction('sum', ({ inputs: [x] }, dy) => broadcast(dy, x.shape));

const maxOperation = reduction('max', ({ inputs: [x], outputs: [y], attributes: { axes } }, dy) => {
  // 1 where the maximum is reached; ties share the gradient.
  const reached = sub(1, abs(sign(sub(x, y))));
  return mul(reached, div(dy, sum(reached, axes)));
});

function drop(x: Tensor, axes: readonly number[], keep: boolean): Tensor {
  return keep
    ? x
    : reshape(
        x,
        x.shape.filter((_, axis) => !axes.includes(axis)),
      );
}

const all = (x: Tensor) => x.shape.map((_, axis) => axis);

/** Sum over `axes` (default: all). Reduced axes keep side 1. */
export function sum(x: Tensor, axes: readonly number[] = all(x)): Tensor {
  return axes.length === 0 ? x : apply(sumOperation, [x], { axes });
}

/** Mean over `axes` (default: all). Reduced axes keep side 1. */
export function mean(x: Tensor, axes: readonly number[] = all(x)): Tensor {
  // Counts are exact in float32, their inverses are not.
  return div(sum(x, axes), sizeOf(axes.map((axis) => x.shape[axis]!)));
}

/** Largest value over `axes` (default: all). Reduced axes keep side 1. */
export function max(x: Tensor, axes: readonly number[] = all(x)): Tensor {
  return axes.length === 0 ? x : apply(maxOperation, [x], { axes });
}

/** Smallest value over `axes` (default: all). Reduced axes keep side 1. */
export function min(x: Tensor, axes: readonly number[] = all(x)): Tensor {
  return mul(max(mul(x, -1), axes), -1);
}

/** Everything summed to a scalar. */
export function total(x: Tensor): Tensor {
  return drop(sum(x), all(x), false);
}

/** Everything averaged to a scalar. */
export function average(x: Tensor): Tensor {
  return drop(mean(x), all(x), false);
}
