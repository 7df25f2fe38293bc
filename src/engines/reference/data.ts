import type { ArrayInfo } from '../../graph/program.ts';
import { type DType, dtypeOf, type Shape, type TensorData } from '../../graph/tensor.ts';

/** Values of a tensor in the reference engine: floats in double precision. */
export type ReferenceData = Float64Array | Int32Array | Uint8Array;

export function allocate(dtype: DType, size: number): ReferenceData {
  if (dtype === 'f32') return new Float64Array(size);
  return dtype === 'i32' ? new Int32Array(size) : new Uint8Array(size);
}

/** Converts float32 to float64. Returns other types unchanged. */
export function widen(data: TensorData | Float64Array): ReferenceData {
  return data instanceof Float32Array ? Float64Array.from(data) : data;
}

/** Rounds float64 to float32. Returns other types unchanged. */
export function narrow(data: ReferenceData): TensorData {
  return data instanceof Float64Array ? Float32Array.from(data) : data;
}

/** Type and length of an array for `checkInputs`. A Float64Array counts as f32. */
export function describeData(data: TensorData | Float64Array | undefined): ArrayInfo | undefined {
  return data && { dtype: data instanceof Float64Array ? 'f32' : dtypeOf(data), length: data.length };
}

/** Strides of a row-major array. */
export function stridesOf(shape: Shape): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
}

/** Strides that read an array of shape `from` as `to`: 0 along repeated axes. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const offset = to.length - from.length;
  return to.map((_, axis) => (axis < offset || from[axis - offset] === 1 ? 0 : strides[axis - offset]!));
}

/** Offset of each element of `shape`, in row-major order, in an array with these strides. */
export function offsets(shape: Shape, strides: readonly number[], start = 0): Int32Array {
  let found = Int32Array.of(start);
  shape.forEach((side, axis) => {
    const next = new Int32Array(found.length * side);
    for (let i = 0; i < found.length; i++)
      for (let j = 0; j < side; j++) next[i * side + j] = found[i]! + j * strides[axis]!;
    found = next;
  });
  return found;
}
