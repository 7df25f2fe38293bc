import { definePrimitive, type NodeOf } from '../signatures.ts';
import { apply, refuse, requireFloat, type Shape, sameShape, type Tensor } from '../tensor.ts';
import { requireAxes, reshape } from './shape.ts';

// Sum and broadcast are each other's gradients: one file avoids an import cycle.

/** Defines an operation that reduces `axes` to side 1. */
export function reduction(name: 'sum' | 'max', vjp: (node: NodeOf<'sum'>, dy: Tensor) => Tensor) {
  return definePrimitive({
    name,
    role: 'reduce',
    infer: (inputs, { axes }) => {
      const [x] = inputs;
      requireFloat(name, inputs);
      requireAxes(name, x, axes);
      if (name === 'max' && axes.some((axis: number) => x.shape[axis] === 0))
        refuse(name, `axes (${axes.join(', ')}) must not be empty`, inputs);
      return [{ shape: x.shape.map((side, axis) => (axes.includes(axis) ? 1 : side)), dtype: 'f32' }];
    },
    vjp: (node, [dy]) => [vjp(node, dy)],
  });
}

const sumOperation = reduction('sum', ({ inputs: [x] }, dy) => broadcast(dy, x.shape));

export const allAxes = (x: Tensor) => x.shape.map((_, axis) => axis);

/** Sum over `axes` (default: all). Reduced axes keep side 1. */
export function sum(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  return axes.length === 0 ? x : apply(sumOperation, [x], { axes });
}

const broadcastOperation = definePrimitive({
  name: 'broadcast',
  role: 'move',
  infer: ([x], { shape }) => [{ shape, dtype: x.dtype }],
  vjp: ({ inputs: [x] }, [dy]) => [sumTo(dy, x.shape)],
});

/** Repeats values along axes of side 1 and along new leading axes, up to `shape`. */
export function broadcast(x: Tensor, shape: Shape): Tensor {
  const offset = shape.length - x.shape.length;
  if (offset < 0 || x.shape.some((side, axis) => side !== 1 && side !== shape[axis + offset]))
    refuse('broadcast', `sides must be 1 or match [${shape.join(', ')}]`, [x]);
  return sameShape(shape, x.shape) ? x : apply(broadcastOperation, [x], { shape });
}

/** Inverse of broadcasting for gradients: sums `x` to `shape`. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const offset = x.shape.length - shape.length;
  const axes = x.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < offset || shape[axis - offset] !== x.shape[axis]);
  return reshape(sum(x, axes), shape);
}
