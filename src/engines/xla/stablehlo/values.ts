import { type DType, type Shape, sizeOf, type TensorData } from '../../../graph/tensor.ts';

/** Element types of StableHLO that this engine uses. */
export type ElementType = 'f32' | 'bf16' | 'i32' | 'ui8' | 'i1';

/** A value of a function: its name in the text, its shape and type. */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
  readonly type: ElementType;
}

export type ValueType = Omit<Value, 'name'>;

/** Element type of a graph tensor at full precision. */
export function elementType(dtype: DType): ElementType {
  return dtype === 'u8' ? 'ui8' : dtype;
}

/** `tensor<2x3xf32>` */
export function typeText({ shape, type }: ValueType): string {
  return `tensor<${[...shape, type].join('x')}>`;
}

/** `[0, 1, 2]` */
export function list(numbers: readonly (number | string)[]): string {
  return `[${numbers.join(', ')}]`;
}

/** Exact literal of an array: a single element if all are equal, else the bytes. */
export function literal(data: TensorData, shape: Shape): string {
  if (sizeOf(shape) === 0) return 'dense<>';
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const width = data.BYTES_PER_ELEMENT;
  const splat = bytes.every((byte, i) => byte === bytes[i % width]);
  if (!splat) return `dense<"0x${hex(bytes)}">`;
  // Writes floats as bits, most significant byte first.
  return data instanceof Float32Array ? `dense<0x${hex(bytes.slice(0, 4).reverse())}>` : `dense<${data[0]}>`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex').toUpperCase();
}
