import type { NamedTensor } from './dtypes.ts';

type Data = NamedTensor['data'];

/**
 * Elements of a view in row-major order: element (i, j, …) of the view is `data[i·strides[0] + j·strides[1] + …]`.
 * Returns `data` itself if it is in this order already.
 */
export function inRowMajorOrder(data: Data, shape: readonly number[], strides: readonly number[]): Data {
  if (isRowMajor(shape, strides)) return data;
  const count = shape.reduce((product, size) => product * size, 1);
  const ordered = new (data.constructor as new (length: number) => Data)(count);
  const index = shape.map(() => 0);
  let place = 0;
  for (let i = 0; i < count; i++) {
    ordered[i] = data[place]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      place -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return ordered;
}

/** Ignores strides of axes with one element. */
function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}
