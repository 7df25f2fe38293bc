import { apply, sizeOf, type Tensor } from '../tensor.ts';
import { abs, div, mul, sign, sub } from './elementwise.ts';
import { reshape } from './shape.ts';
import { allAxes, reduction, sum } from './sum.ts';

const maxOperation = reduction('max', ({ inputs: [x], outputs: [y], attributes: { axes } }, dy) => {
  // 1 at each maximum: ties share the gradient.
  const reached = sub(1, abs(sign(sub(x, y))));
  return mul(reached, div(dy, sum(reached, axes)));
});

/** Mean over `axes` (default: all). Reduced axes keep side 1. */
export function mean(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  // A count is exact in float32, its inverse is not.
  return div(sum(x, axes), sizeOf(axes.map((axis) => x.shape[axis]!)));
}

/** Largest value over `axes` (default: all). Reduced axes keep side 1. */
export function max(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  return axes.length === 0 ? x : apply(maxOperation, [x], { axes });
}

/** Smallest value over `axes` (default: all). Reduced axes keep side 1. */
export function min(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  return mul(max(mul(x, -1), axes), -1);
}

/** Sum of all values, a scalar []. */
export function sumAll(x: Tensor): Tensor {
  return reshape(sum(x), []);
}

/** Mean of all values, a scalar []. */
export function meanAll(x: Tensor): Tensor {
  return reshape(mean(x), []);
}
