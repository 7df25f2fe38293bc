import { type DType, type Shape, sizeOf } from '../../graph/tensor.ts';

/** How numbers lie in memory: those of the graph, and bfloat16 for what products read. */
export type StorageType = DType | 'bf16';

export const bytesOf = (dtype: StorageType) => ({ f32: 4, i32: 4, bf16: 2, u8: 1 })[dtype];

/** A piece of memory that instructions read and write; where it lies is planned afterwards. */
export interface Region {
  readonly id: number;
  readonly bytes: number;
  /** What holds its values before the first instruction; scratch memory without one. */
  readonly source?:
    | { readonly state: string }
    | { readonly given: string }
    | { readonly constant: Uint8Array };
}

/** A tensor in memory: element (i, j, …) lies at offset + i·strides[0] + j·strides[1] + …, counted in elements. */
export interface View {
  readonly region: Region;
  readonly dtype: StorageType;
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Strides of rows laid end to end. */
export function denseStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** Whether the elements lie end to end, in order. */
export function isDense({ shape, strides }: View): boolean {
  const dense = denseStrides(shape);
  return shape.every((side, axis) => side === 1 || strides[axis] === dense[axis]);
}

/** Whether a view is all of its region, end to end. */
export const isWhole = (view: View) =>
  view.offset === 0 && isDense(view) && sizeOf(view.shape) * bytesOf(view.dtype) === view.region.bytes;

/**
 * Whether oneDNN can describe a view: from the shortest steps to the longest, those of an axis lead beyond all of the axis before.
 * Repeated axes, of stride 0, are no matter.
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

export const sliced = (view: View, starts: readonly number[], ends: readonly number[]): View => ({
  ...view,
  shape: ends.map((end, axis) => end - starts[axis]!),
  offset: starts.reduce((sum, start, axis) => sum + start * view.strides[axis]!, view.offset),
});

/** Repeated along axes of side 1 and new leading ones, without a copy: their stride is 0. */
export function broadcasted(view: View, shape: Shape): View {
  const extra = shape.length - view.shape.length;
  const strides = shape.map((side, axis) =>
    axis < extra || (view.shape[axis - extra] === 1 && side !== 1) ? 0 : view.strides[axis - extra]!,
  );
  return { ...view, shape, strides };
}

/** The same elements under another shape, where that needs no copy. */
export function reshaped(view: View, shape: Shape): View | undefined {
  if (sizeOf(shape) === 0) return { ...view, shape, strides: denseStrides(shape) };
  // Runs of axes that lie end to end are cut anew; the cuts must fall together.
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
  // Only sides of 1 can be left.
  return { ...view, shape, strides };
}

/** Neighbouring axes that can be walked as one, outermost first; axes of side 1 are left out. */
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

/** Joins axes of several views of one shape wherever all of them allow it; no view keeps fewer than one axis. */
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
