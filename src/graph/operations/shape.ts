import { definePrimitive } from '../signatures.ts';
import { apply, type DType, refuse, type Shape, sameShape, sizeOf, type Tensor } from '../tensor.ts';

const reshapeOperation = definePrimitive({
  name: 'reshape',
  role: 'move',
  infer: ([x], { shape }) => [{ shape, dtype: x.dtype }],
  vjp: ({ inputs: [x] }, [dy]) => [reshape(dy, x.shape)],
});

/** The same values in the same order in another shape. One side may be -1 (inferred). */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = shape.reduce((product, side) => (side === -1 ? product : product * side), 1);
  const full = shape.map((side) => (side === -1 ? sizeOf(x.shape) / known : side));
  if (sizeOf(full) !== sizeOf(x.shape) || full.some((side) => !Number.isInteger(side)))
    refuse('reshape', `[${shape.join(', ')}] must hold as many values as the input`, [x]);
  return sameShape(full, x.shape) ? x : apply(reshapeOperation, [x], { shape: full });
}

const transposeOperation = definePrimitive({
  name: 'transpose',
  role: 'move',
  infer: ([x], { permutation }) => [
    { shape: permutation.map((axis: number) => x.shape[axis]), dtype: x.dtype },
  ],
  vjp: ({ attributes: { permutation } }, [dy]) => {
    const inverse: number[] = [];
    permutation.forEach((from: number, to: number) => {
      inverse[from] = to;
    });
    return [transpose(dy, inverse)];
  },
});

/** Permutes the axes: output axis i is input axis `permutation[i]`. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  const sorted = [...permutation].sort((a, b) => a - b);
  if (sorted.length !== x.shape.length || sorted.some((axis, i) => axis !== i))
    refuse('transpose', `(${permutation.join(', ')}) must name every axis once`, [x]);
  return permutation.every((axis, i) => axis === i) ? x : apply(transposeOperation, [x], { permutation });
}

const sliceOperation = definePrimitive({
  name: 'slice',
  role: 'move',
  infer: ([x], { starts, ends }) => [
    { shape: ends.map((end: number, axis: number) => end - starts[axis]), dtype: x.dtype },
  ],
  vjp: ({ inputs: [x], attributes: { starts, ends } }, [dy]) => [
    pad(
      dy,
      starts,
      x.shape.map((side, axis) => side - ends[axis]),
    ),
  ],
});

/** The block from `starts` (inclusive) to `ends` (exclusive), one number per axis. */
export function slice(x: Tensor, starts: readonly number[], ends: readonly number[]): Tensor {
  const valid = x.shape.every(
    (side, axis) => 0 <= starts[axis]! && starts[axis]! <= ends[axis]! && ends[axis]! <= side,
  );
  if (!valid || starts.length !== x.shape.length || ends.length !== x.shape.length)
    refuse('slice', `(${starts.join(', ')}) to (${ends.join(', ')}) must lie inside the input`, [x]);
  if (starts.every((start) => start === 0) && sameShape(ends, x.shape)) return x;
  return apply(sliceOperation, [x], { starts, ends });
}

/** `slice` along one axis. */
export function sliceAxis(x: Tensor, axis: number, start: number, end: number): Tensor {
  return slice(
    x,
    x.shape.map((_, i) => (i === axis ? start : 0)),
    x.shape.map((side, i) => (i === axis ? end : side)),
  );
}

const padOperation = definePrimitive({
  name: 'pad',
  role: 'move',
  infer: ([x], { before, after }) => [
    { shape: x.shape.map((side, axis) => before[axis] + side + after[axis]), dtype: x.dtype },
  ],
  vjp: ({ inputs: [x], attributes: { before } }, [dy]) => [
    slice(
      dy,
      before,
      x.shape.map((side, axis) => side + before[axis]),
    ),
  ],
});

/** Pads with zeros: `before` and `after` give their number along each axis. */
export function pad(x: Tensor, before: readonly number[], after: readonly number[]): Tensor {
  const counts = [...before, ...after];
  if (counts.length !== 2 * x.shape.length || counts.some((count) => !Number.isInteger(count) || count < 0))
    refuse('pad', `(${before.join(', ')}) and (${after.join(', ')}) must count zeros along each axis`, [x]);
  return counts.every((count) => count === 0) ? x : apply(padOperation, [x], { before, after });
}

const concatOperation = definePrimitive({
  name: 'concat',
  role: 'move',
  infer: (inputs, { axis }) => {
    const total = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0);
    return [{ shape: inputs[0].shape.map((side, i) => (i === axis ? total : side)), dtype: inputs[0].dtype }];
  },
  vjp: ({ inputs, attributes: { axis } }, [dy]) => {
    let start = 0;
    return inputs.map((x) => {
      const end = start + x.shape[axis]!;
      const part = sliceAxis(dy, axis, start, end);
      start = end;
      return part;
    });
  },
});

/** Concatenates along `axis`. */
export function concat(inputs: readonly Tensor[], axis: number): Tensor {
  const first = inputs[0];
  const fits = (x: Tensor) =>
    x.dtype === first!.dtype &&
    x.shape.length === first!.shape.length &&
    x.shape.every((side, i) => i === axis || side === first!.shape[i]);
  if (!first || axis < 0 || axis >= first.shape.length || !inputs.every(fits))
    refuse('concat', `inputs must agree on every axis but ${axis}`, inputs);
  return inputs.length === 1 ? first : apply(concatOperation, inputs, { axis });
}

const reverseOperation = definePrimitive({
  name: 'reverse',
  role: 'move',
  infer: ([x]) => [x],
  vjp: ({ attributes: { axes } }, [dy]) => [reverse(dy, axes)],
});

/** Reverses the order along `axes`. */
export function reverse(x: Tensor, axes: readonly number[]): Tensor {
  requireAxes('reverse', x, axes);
  return axes.length === 0 ? x : apply(reverseOperation, [x], { axes });
}

const castOperation = definePrimitive({
  name: 'cast',
  role: 'pointwise',
  infer: ([x], { dtype }) => [{ shape: x.shape, dtype }],
  // Only floats carry gradients.
  vjp: ({ inputs: [x], attributes: { dtype } }, [dy]) => [
    x.dtype === 'f32' && dtype === 'f32' ? dy : undefined,
  ],
});

/** Converts to another type. Floats become integers by truncation towards zero. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply(castOperation, [x], { dtype });
}

/** Throws GraphError unless the axes exist and differ. */
export function requireAxes(name: string, x: Tensor, axes: readonly number[]): void {
  if (axes.some((axis, i) => !(axis in x.shape) || axes.indexOf(axis) !== i))
    refuse(name, `axes (${axes.join(', ')}) must exist and differ`, [x]);
}
