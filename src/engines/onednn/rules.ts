import type {
  ForInputs,
  NameOf,
  NodeOf,
  One,
  OperationName,
  PrimitiveName,
  Two,
} from '../../graph/signatures.ts';
import { type Attributes, type Node, type Shape, sizeOf } from '../../graph/tensor.ts';
import type { Builder } from './builder.ts';
import type { Binary, Eltwise, Window } from './instructions.ts';
import {
  broadcasted,
  bytesOf,
  isNested,
  permuted,
  reshaped,
  type StorageType,
  sliced,
  type View,
} from './view.ts';

/** Context of a rule: the builder and the storage types. */
export interface Context {
  readonly builder: Builder;
  /** Type of the operands of products. */
  readonly compute: 'f32' | 'bf16';
  /** Storage type of each output of the node. */
  readonly storage: readonly StorageType[];
}

/** Writes a node's instructions: from its inputs' views to its outputs' views. */
export type Rule = (context: Context, node: Node, inputs: readonly View[]) => View | readonly View[];

/** The rule of an operation. It may serve several operations. */
export type RuleOf<N extends OperationName> = (
  context: Context,
  node: NodeOf<N>,
  inputs: ForInputs<N, View>,
) => N extends PrimitiveName ? View : View | readonly View[];

const unary =
  (name: Eltwise, alpha = 0, beta = 0): RuleOf<NameOf<One>> =>
  ({ builder }, _, [x]) =>
    builder.eltwise(name, x, { alpha, beta });

const binary =
  (name: Binary): RuleOf<NameOf<Two>> =>
  ({ builder }, { outputs: [y] }, [a, b]) =>
    builder.binary(name, a, b, y.shape);

/** Computes in a JavaScript loop; oneDNN has no such primitive. */
export const host: RuleOf<PrimitiveName> = ({ builder }, { operation, outputs: [y], attributes }, views) =>
  builder.host(operation.name, views, y.shape, y.dtype, attributes);

/** Each primitive as a oneDNN primitive, a view of memory, or a loop. */
export const rules: { readonly [N in PrimitiveName]: RuleOf<N> } = {
  add: binary('add'),
  sub: binary('sub'),
  mul: binary('mul'),
  div: binary('div'),
  maximum: binary('max'),
  minimum: binary('min'),
  neg: unary('linear', -1),
  exp: unary('exp'),
  log: unary('log'),
  sqrt: unary('sqrt'),
  abs: unary('abs'),
  sign: host,
  floor: host,
  erf: host,
  sum: ({ builder }, { inputs: [x], attributes: { axes }, outputs: [y] }, [view]) =>
    sum(builder, x.shape, axes, y.shape, view!),
  max: host,
  cast: (context, node, [x]) =>
    node.attributes.dtype === 'f32'
      ? context.builder.as('f32', x)
      : x.dtype === 'f32'
        ? host(context, node, [x])
        : context.builder.as(node.attributes.dtype, x),
  reshape: ({ builder }, { attributes: { shape } }, [x]) =>
    reshaped(x, shape) ?? reshaped(builder.dense(x), shape)!,
  broadcast: (_, { attributes: { shape } }, [x]) => broadcasted(x, shape),
  transpose: (_, { attributes: { permutation } }, [x]) => permuted(x, permutation),
  slice: (_, { attributes: { starts, ends } }, [x]) => sliced(x, starts, ends),
  reverse: host,
  pad: ({ builder }, { outputs: [y], attributes: { before } }, [x]) => {
    const out = builder.zeros(y.shape, x.dtype);
    const ends = before.map((from: number, axis: number) => from + x.shape[axis]!);
    if (sizeOf(x.shape) > 0) builder.copy(x, sliced(out, before, ends));
    return out;
  },
  concat: ({ builder, storage }, { outputs: [y], attributes: { axis } }, views) => {
    // Slices of side 1 at equal distances form a view, if oneDNN can describe it.
    const distance = views[1]!.offset - views[0].offset;
    const inStep = (view: View, i: number) => view.shape[axis] === 1 && follows(view, views[0], i * distance);
    const view = { ...views[0], shape: y.shape, strides: views[0].strides.with(axis, distance) };
    if (distance >= 0 && isNested(view) && views.every(inStep)) return view;
    const out = builder.fresh(y.shape, storage[0]!);
    let start = 0;
    for (const view of views) {
      const starts = y.shape.map((_, other) => (other === axis ? start : 0));
      const ends = starts.map((from, other) => from + view.shape[other]!);
      if (sizeOf(view.shape) > 0) builder.copy(view, sliced(out, starts, ends));
      start += view.shape[axis]!;
    }
    return out;
  },
  gather: host,
  scatterAdd: host,
  invertPermutation: host,
  conv: ({ builder }, { inputs: [, filters], outputs: [y], attributes }, [image, taps]) => {
    // Always in float32, whatever the type of products.
    const { laid, made, rest } = convolutionOf(builder, filters.shape, attributes);
    const x = laid(spread(builder, image, attributes.inputDilation));
    const out = made(y.shape);
    builder.emit({
      kind: 'convolution',
      x,
      filters: inGroups(builder.dense(taps), attributes),
      out,
      ...rest,
    });
    return out;
  },
  matmul: (context, { attributes, outputs: [y] }, [a, b]) => product(context, a, b, y.shape, attributes),
};

/** From this number of channels on, kernels want channels last, and filters in blocks of channels. */
const WIDE = 16;

/** How a convolution's images lie, and what its instruction needs beside operands. */
export function convolutionOf(builder: Builder, filters: Shape, attributes: Attributes) {
  const [out, channels, k, l] = filters as [number, number, number, number];
  const { strides, padding, filterDilation: dilation, groups } = attributes;
  const window: Window = { strides, dilation, padding };
  if (groups > 1 || Math.min(out, channels) < WIDE)
    return {
      laid: (image: View) => builder.dense(image),
      made: (shape: Shape) => builder.fresh(shape),
      rest: window,
    };
  const blocks = (count: number) => Math.ceil(count / 64) * 64;
  return {
    laid: (image: View) => permuted(builder.dense(permuted(image, [0, 2, 3, 1])), [0, 3, 1, 2]),
    made: ([batch, depth, height, width]: Shape) =>
      permuted(builder.fresh([batch!, height!, width!, depth!]), [0, 3, 1, 2]),
    rest: { ...window, packed: builder.fresh([blocks(out) * blocks(channels) * k * l]) },
  };
}

/** Filters [G·O, C, k, l] as [G, O, C, k, l] if there are several groups. */
export function inGroups(filters: View, { groups }: Attributes): View {
  const [out, ...rest] = filters.shape as [number, ...number[]];
  return groups === 1 ? filters : reshaped(filters, [groups, out / groups, ...rest])!;
}

/** Inserts zeros between an image's pixels. */
function spread(builder: Builder, x: View, distances: readonly number[]): View {
  if (distances.every((distance) => distance === 1)) return x;
  const by = [1, 1, ...distances];
  // The gap of zeros also follows the last pixel, so that rows do not overlap in oneDNN's description.
  const out = builder.zeros(
    x.shape.map((side, axis) => side * by[axis]!),
    x.dtype,
  );
  builder.copy(x, { ...out, shape: x.shape, strides: out.strides.map((stride, axis) => stride * by[axis]!) });
  const ends = x.shape.map((side, axis) => (side - 1) * by[axis]! + 1);
  return sliced(out, [0, 0, 0, 0], ends);
}

/** True if a view is another view at an offset of `by` elements. */
const follows = (view: View, other: View, by: number) =>
  view.buffer === other.buffer &&
  view.dtype === other.dtype &&
  view.offset === other.offset + by &&
  view.strides.every((stride, axis) => view.shape[axis] === 1 || stride === other.strides[axis]);

function sum(builder: Builder, shape: Shape, axes: readonly number[], out: Shape, x: View): View {
  if (sizeOf(shape) === 0) return zeros(builder, out);
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const summed = shape.map((_, axis) => axis).filter((axis) => axes.includes(axis));
  const sides = [kept, summed].map((some) => sizeOf(some.map((axis) => shape[axis]!))) as [number, number];
  // As a matrix with the summed axes first if this needs no copy, else with them last.
  const first = reshaped(permuted(x, [...summed, ...kept]), [sides[1], sides[0]]);
  if (first) return reshaped(builder.sumMatrix(first, 0), out)!;
  const transposed = permuted(x, [...kept, ...summed]);
  return reshaped(builder.sumMatrix(reshaped(builder.dense(transposed), sides)!, 1), out)!;
}

export function zeros(builder: Builder, shape: Shape): View {
  return builder.constant(new Uint8Array(sizeOf(shape) * bytesOf('f32')), shape, 'f32');
}

/** alpha · a · b, for views in the compute type. */
export function product(
  { builder, compute, storage }: Context,
  a: View,
  b: View,
  shape: Shape,
  { transposeA, transposeB, alpha }: Attributes,
  bias?: View,
): View {
  const [x, y] = [a, b].map((view) => operand(builder, builder.as(compute, view))) as [View, View];
  if (sizeOf(x.shape) === 0 || sizeOf(y.shape) === 0) return zeros(builder, shape);
  const [left, right] = [transposeA ? transposed(x) : x, transposeB ? transposed(y) : y];
  return builder.matmul(left, right, builder.fresh(shape, storage[0]!), { bias, alpha });
}

/** A matrix with contiguous rows or columns, which products read without a copy. */
function operand(builder: Builder, view: View): View {
  const [row, column] = view.strides.slice(-2) as [number, number];
  const [rows, columns] = view.shape.slice(-2) as [number, number];
  const plain = (column === 1 && row >= columns) || (row === 1 && column >= rows);
  return plain && view.strides.every((stride) => stride > 0) ? view : builder.dense(view);
}

export const transposed = (view: View): View => {
  const last = view.shape.length - 1;
  const order = view.shape.map((_, axis) => (axis === last ? last - 1 : axis === last - 1 ? last : axis));
  return permuted(view, order);
};
