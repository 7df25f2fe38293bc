import type { Operands } from './call.ts';
import type { Binary, Eltwise, Window } from './instructions.ts';
import type { Library, Pointer } from './library.ts';
import type { StorageType, View } from './view.ts';

/**
 * Creates descriptors of memory and of primitives; the calls differ between oneDNN's versions. Layouts are memory
 * descriptors, results are primitive descriptors.
 */
export interface Descriptors {
  layout(shape: readonly number[], strides: readonly number[], dtype: StorageType): Pointer;
  /** Leaves the order of the values in memory to the primitive: see `chosen`. */
  anyLayout(shape: readonly number[], dtype: StorageType): Pointer;
  /** @param alpha scales the product */
  matmul(a: Pointer, b: Pointer, bias: Pointer, out: Pointer, alpha: number): bigint;
  eltwise(name: Eltwise, x: Pointer, alpha: number, beta: number): bigint;
  eltwiseGrad(name: Eltwise, x: Pointer, dy: Pointer, forward: bigint): bigint;
  binary(name: Binary, a: Pointer, b: Pointer, out: Pointer): bigint;
  copy(x: Pointer, out: Pointer): bigint;
  convolution(x: Pointer, filters: Pointer, out: Pointer, window: Window): bigint;
  imageGrad(filters: Pointer, dy: Pointer, out: Pointer, window: Window, forward: bigint): bigint;
  /** Over the last axis of a matrix. */
  softmax(x: Pointer, out: Pointer): bigint;
  logSoftmax(x: Pointer, out: Pointer): bigint;
  softmaxGrad(y: Pointer, dy: Pointer, out: Pointer, forward: bigint): bigint;
  layerNorm(x: Pointer, statistics: Pointer, epsilon: number): bigint;
  layerNormGrad(x: Pointer, dy: Pointer, statistics: Pointer, epsilon: number, forward: bigint): bigint;
  /** Over all but the second axis. */
  batchNorm(x: Pointer, epsilon: number): bigint;
  batchNormGrad(x: Pointer, dy: Pointer, epsilon: number, forward: bigint): bigint;
  /** The operands for scales and shifts of a batch norm, [2, C], and for their gradients. */
  scales(scaleShift: View, gradient?: View): Operands;
}

/** The layout that a primitive chose for filters, and its size. */
export interface ChosenLayout {
  readonly layout: bigint;
  readonly bytes: number;
}

export const anyTag = 1;
const queryWeights = 131;

/** Asks primitive descriptors for the layouts that they chose. The functions are the same in all versions. */
export function layoutQueries(library: Library) {
  const query = library.raw('primitive_desc_query_md', 'void *, int, int', 'void *');
  const size = library.raw('memory_desc_get_size', 'void *', 'size_t');
  const equal = library.raw('memory_desc_equal', 'void *, void *');
  return {
    filters: (descriptor: bigint): ChosenLayout => {
      const layout = query(descriptor, queryWeights, 0) as bigint;
      return { layout, bytes: Number(size(layout)) };
    },
    same: (a: Pointer, b: Pointer) => equal(a, b) === 1,
  };
}

// Constants of dnnl_types.h, equal in all versions.
export const dataTypes: Readonly<Record<StorageType, number>> = { bf16: 2, f32: 3, i32: 4, u8: 6 };
export const binaryKinds: Readonly<Record<Binary, number>> = {
  add: 0x1fff0,
  mul: 0x1fff1,
  max: 0x1fff2,
  min: 0x1fff3,
  div: 0x1fff4,
  sub: 0x1fff5,
};
export const softmaxAccurate = 0x30000;
export const softmaxLog = 0x30001;
export const convolutionDirect = 1;
export const forwardTraining = 64;
export const backward = 128;

/** Sides or strides in oneDNN's format. */
export const sides = (values: readonly number[]) => BigInt64Array.from(values, BigInt);

/** Strides, gaps between taps, and padding before and after, in oneDNN's format. */
export const windowSides = ({ strides, dilation, padding }: Window) => [
  sides(strides),
  sides(dilation.map((distance) => distance - 1)),
  sides(padding.map(([before]) => before)),
  sides(padding.map(([, after]) => after)),
];

/** Attributes of a scaled product; null for a scale of 1. */
export function scaled(
  library: Library,
  append: (list: bigint, alpha: number) => void,
): (alpha: number) => Pointer {
  const attributes = library.maker('primitive_attr_create', '');
  const list = library.maker('post_ops_create', '');
  const set = library.status('primitive_attr_set_post_ops', 'void *, void *');
  return (alpha) => {
    if (alpha === 1) return null;
    const [made, operations] = [attributes(), list()];
    append(operations, alpha);
    set(made, operations);
    return made;
  };
}
