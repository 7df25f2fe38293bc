/** Element types of the safetensors format that this library reads and writes, with bytes per element. */
export const DTYPES = {
  BOOL: { bytes: 1, array: Uint8Array },
  U8: { bytes: 1, array: Uint8Array },
  I8: { bytes: 1, array: Int8Array },
  U16: { bytes: 2, array: Uint16Array },
  I16: { bytes: 2, array: Int16Array },
  F16: { bytes: 2, array: Uint16Array }, // the raw bits: JavaScript has no 16-bit floats yet
  BF16: { bytes: 2, array: Uint16Array }, // the raw bits
  U32: { bytes: 4, array: Uint32Array },
  I32: { bytes: 4, array: Int32Array },
  F32: { bytes: 4, array: Float32Array },
  U64: { bytes: 8, array: BigUint64Array },
  I64: { bytes: 8, array: BigInt64Array },
  F64: { bytes: 8, array: Float64Array },
} as const;

export type Dtype = keyof typeof DTYPES;
/** The typed array for elements of a dtype. F16 and BF16 are stored as raw bits. */
export type ArrayOf<D extends Dtype> = InstanceType<(typeof DTYPES)[D]['array']>;

/** A tensor in a file: `data` holds prod(shape) elements in row-major order. */
export interface NamedTensor<D extends Dtype = Dtype> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: ArrayOf<D>;
}

export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(DTYPES, value);
}

/** Number of elements of a shape; 1 for a scalar (`[]`). */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * The values of a floating-point tensor as float32. Returns an F32 tensor's data without a copy; F64 is rounded, F16
 * and BF16 are exact. Throws a TypeError for integers and booleans.
 */
export function toFloat32(tensor: NamedTensor): Float32Array {
  switch (tensor.dtype) {
    case 'F32':
      return tensor.data as Float32Array;
    case 'F64':
      return new Float32Array(tensor.data as Float64Array);
    case 'F16':
      return halfToFloat(tensor.data as Uint16Array);
    case 'BF16':
      return bfloatToFloat(tensor.data as Uint16Array);
    default:
      throw new TypeError(`only F16, BF16, F32 and F64 tensors convert to float32, got ${tensor.dtype}`);
  }
}

/** bfloat16 is the upper half of a float32. */
function bfloatToFloat(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

let halves: Float32Array | undefined;

/** Uses a table of all 65,536 values, because there are many weights. */
function halfToFloat(bits: Uint16Array): Float32Array {
  halves ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => valueOfHalf(half));
  const floats = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) floats[i] = halves[bits[i]!]!;
  return floats;
}

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
function valueOfHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
