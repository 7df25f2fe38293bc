import { type DType, type Shape, sizeOf } from '../../graph/tensor.ts';

/** Storage types: the graph's types, and bfloat16 for operands of products. */
export type StorageType = DType | 'bf16';

export const bytesOf = (dtype: StorageType) => ({ f32: 4, i32: 4, bf16: 2, u8: 1 })[dtype];

/** A block of memory that instructions read and write. Its offset is planned later. */
export interface MemoryBuffer {
  readonly id: number;
  readonly bytes: number;
  /** Source of the values before the first instruction; undefined for scratch memory. */
  readonly source?:
    | { readonly state: string }
    | { readonly feed: string }
    | { readonly constant: Uint8Array };
}

/** A tensor in memory: element (i, j, …) is at offset + i·strides[0] + j·strides[1] + …, in elements. */
export interface View {
  readonly buffer: MemoryBuffer;
  readonly dtype: StorageType;
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Row-major strides without gaps. */
export function denseStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** True if the elements are contiguous in row-major order. */
export function isDense({ shape, strides }: View): boolean {
  const dense = denseStrides(shape);
  return shape.every((side, axis) => side === 1 || strides[axis] === dense[axis]);
}

/** True if a view covers its whole buffer, densely. */
export const isWhole = (view: View) =>
  view.offset === 0 && isDense(view) && sizeOf(view.shape) * bytesOf(view.dtype) === view.buffer.bytes;

/**
 * True if oneDNN can describe a view: sorted by stride, each axis strides beyond the whole axis before. Repeated axes
 * (stride 0) are allowed.
 */
export function isNested({ shape, strides }: View): boolean {
  const axes = shape
    .map((side, axis) => ({ side, stride: strides[axis]! }))
    .filter(({ side, stride }) => side > 1 && stride !== 0)
    .sort((a, b) => a.stride - b.stride);
  return axes.every(
    ({ stride }, i) => stride > 0 && (i === 0 || stride >= axes[i - 1]!.stride * axes[i - 1]!.side),
  );
}

export const permuted = (view: View, permutation: readonly number[]): View => ({
  ...view,
  shape: permutation.map((axis) => view.shape[axis]!),
  strides: permutation.map((axis) => view.strides[axis]!),
});

/** [..., D] as a matrix. */
export const asRows = (view: View): View =>
  reshaped(view, [sizeOf(view.shape.slice(0, -1)), view.shape.at(-1) ?? 1])!;

/** A row of a matrix. */
export const rowOf = (matrix: View, row: number): View => ({
  ...matrix,
  shape: matrix.shape.slice(1),
  strides: matrix.strides.slice(1),
  offset: matrix.offset + row * matrix.strides[0]!,
});

export const sliced = (view: View, starts: readonly number[], ends: readonly number[]): View => ({
  ...view,
  shape: ends.map((end, axis) => end - starts[axis]!),
  offset: starts.reduce((sum, start, axis) => sum + start * view.strides[axis]!, view.offset),
});

/** Broadcasts along axes of side 1 and new leading axes without a copy, by strides of 0. */
export function broadcasted(view: View, shape: Shape): View {
  const extra = shape.length - view.shape.length;
  const strides = shape.map((side, axis) =>
    axis < extra || (view.shape[axis - extra] === 1 && side !== 1) ? 0 : view.strides[axis - extra]!,
  );
  return { ...view, shape, strides };
}

/** The same elements in another shape; undefined if this needs a copy. */
export function reshaped(view: View, shape: Shape): View | undefined {
  if (sizeOf(shape) === 0) return { ...view, shape, strides: denseStrides(shape) };
  // Contiguous axes form runs. Each new axis must lie inside of one run.
  const runs = joined(view);
  const strides: number[] = new Array(shape.length).fill(0);
  let axis = shape.length - 1;
  for (let run = runs.length - 1; run >= 0; run--) {
    const { side, stride } = runs[run]!;
    let filled = 1;
    while (axis >= 0 && filled * shape[axis]! <= side) {
      if (side % (filled * shape[axis]!) !== 0) return undefined;
      strides[axis] = stride * filled;
      filled *= shape[axis]!;
      axis--;
    }
    if (filled !== side) return undefined;
  }
  // Only sides of 1 are left.
  return { ...view, shape, strides };
}

/** Merges contiguous neighbouring axes, outermost first. Drops axes of side 1. */
function joined({ shape, strides }: View): { side: number; stride: number }[] {
  const runs: { side: number; stride: number }[] = [];
  shape.forEach((side, axis) => {
    if (side === 1) return;
    const last = runs.at(-1);
    if (last && last.stride === strides[axis]! * side) {
      last.side *= side;
      last.stride = strides[axis]!;
    } else runs.push({ side, stride: strides[axis]! });
  });
  return runs;
}

/** Merges axes of several views of one shape if all views allow it. Each view keeps at least one axis. */
export function joinAxes(views: readonly View[]): View[] {
  const { shape } = views[0]!;
  const kept: number[][] = [];
  for (const [axis, side] of shape.entries()) {
    if (side === 1) continue;
    const last = kept.at(-1)?.at(-1);
    const fits = last !== undefined && views.every(({ strides }) => strides[last] === strides[axis]! * side);
    if (fits) kept.at(-1)!.push(axis);
    else kept.push([axis]);
  }
  if (kept.length === 0) kept.push([]);
  return views.map((view) => ({
    ...view,
    shape: kept.map((axes) => sizeOf(axes.map((axis) => shape[axis]!))),
    strides: kept.map((axes) => (axes.length > 0 ? view.strides[axes.at(-1)!]! : 1)),
  }));
}
