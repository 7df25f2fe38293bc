/** A typed array. */
interface Elements {
  readonly length: number;
  [i: number]: number | bigint;
}

/**
 * Elements of a view in row-major order: element (i, j, …) of the view is `data[i·strides[0] + j·strides[1] + …]`.
 * Returns `data` itself if it is in this order already.
 */
export function inRowMajorOrder<D extends Elements>(
  data: D,
  shape: readonly number[],
  strides: readonly number[],
): D {
  if (isRowMajor(shape, strides)) return data;
  const count = shape.reduce((product, size) => product * size, 1);
  const ordered = new (data.constructor as new (length: number) => D)(count) as Elements;
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
  return ordered as D;
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
