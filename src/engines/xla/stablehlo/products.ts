import type { ForInputs, NodeOf } from '../../../graph/signatures.ts';
import { type Shape, sameShape, sizeOf } from '../../../graph/tensor.ts';
import { bandOf, bandProduct } from './banded.ts';
import type { Rule, RuleOf } from './rule.ts';
import { type ElementType, list, type Value } from './values.ts';
import type { FunctionWriter } from './writer.ts';

interface Product {
  readonly batching: readonly [readonly number[], readonly number[]];
  readonly contracting: readonly [number, number];
}

/** A product of two tensors. */
function dot(
  writer: FunctionWriter,
  a: Value,
  b: Value,
  { batching, contracting }: Product,
  type: { shape: Shape; type: ElementType },
): Value {
  const batch = batching[0].length > 0 ? ` batching_dims = ${list(batching[0])} x ${list(batching[1])},` : '';
  const precision = a.type === 'f32' ? writer.productPrecision : 'DEFAULT';
  const text =
    `stablehlo.dot_general ${a.name}, ${b.name},${batch} contracting_dims = [${contracting[0]}] x [${contracting[1]}],` +
    ` precision = [${precision}, ${precision}]`;
  return writer.write(text, [a, b], type);
}

/** alpha · a · b, batch axes broadcast. */
export const matmul: RuleOf<'matmul'> = (writer, node, operands, type) => {
  const { alpha } = node.attributes;
  const y = writer.convert(banded(writer, node, operands) ?? product(writer, node, operands, type), type);
  return alpha === 1 ? y : writer.apply('stablehlo.multiply', [y, writer.number(alpha, y.shape, type)]);
};

/**
 * Lowers a product with a banded constant matrix to gathers; undefined if the matrix is not banded, or if a tensor is
 * empty or has 2³¹ elements or more.
 */
function banded(
  writer: FunctionWriter,
  { inputs: [left, right], outputs: [{ shape }], attributes: { transposeA, transposeB } }: NodeOf<'matmul'>,
  [a, b]: ForInputs<'matmul', Value>,
): Value | undefined {
  const rank = shape.length;
  const sizes = [a.shape, b.shape, shape].map(sizeOf);
  if (sizes.some((size) => size === 0 || size >= 2 ** 31)) return;
  const rows = transposeB || b.shape.length !== rank ? undefined : bandOf(left, transposeA);
  if (rows) return bandProduct(writer, rows, b, rank - 2);
  const columns = transposeA || a.shape.length !== rank ? undefined : bandOf(right, !transposeB);
  return columns && bandProduct(writer, columns, a, rank - 1);
}

/** a · b. If the smaller operand has no batch axes, it is not repeated. */
function product(
  writer: FunctionWriter,
  { outputs: [{ shape }], attributes: { transposeA, transposeB } }: NodeOf<'matmul'>,
  [a, b]: ForInputs<'matmul', Value>,
  type: ElementType,
): Value {
  const batch = shape.slice(0, -2);
  const [m, n] = shape.slice(-2) as [number, number];
  const [left, right] = [align(writer, a, b, batch), align(writer, b, a, batch)];
  const [rankA, rankB] = [left.shape.length, right.shape.length];
  const contracting = [rankA - (transposeA ? 2 : 1), rankB - (transposeB ? 1 : 2)] as const;
  const axes = batch.map((_, axis) => axis);
  const shared = rankA === rankB;
  const batching = shared ? ([axes, axes] as const) : ([[], []] as const);
  // Without batch axes, the left side comes first in the result: [M, ..., N].
  const first = !shared && rankA === 2;
  const result = { shape: first ? [m, ...batch, n] : shape, type };
  const y = dot(writer, left, right, { batching, contracting }, result);
  return first ? writer.transpose(y, [...axes.map((axis) => axis + 1), 0, axes.length + 1]) : y;
}

/** The operand as a matrix if only the other one has batch axes, else with all batch axes. */
function align(writer: FunctionWriter, x: Value, other: Value, batch: Shape): Value {
  const matrix = x.shape.slice(-2);
  const bare = x.shape.slice(0, -2).every((side) => side === 1);
  const full = other.shape.length === batch.length + 2 && sameShape(other.shape.slice(0, -2), batch);
  return bare && full && batch.some((side) => side !== 1)
    ? writer.reshape(x, matrix)
    : writer.broadcast(x, [...batch, ...matrix]);
}

/** x · weightᵀ + bias: [M, in] · [out, in]ᵀ + [out]. */
export const linear: Rule = (writer, { outputs: [y] }, [x, weight, bias], type) => {
  const result = { shape: y!.shape, type };
  const product = dot(writer, x!, weight!, { batching: [[], []], contracting: [1, 1] }, result);
  if (!bias) return product;
  const added = writer.broadcast(writer.convert(bias, type), y!.shape);
  return writer.apply('stablehlo.add', [product, added]);
};

export const conv: RuleOf<'conv'> = (writer, { outputs: [y], attributes }, [x, filters]) => {
  const { strides, padding, inputDilation, filterDilation, groups } = attributes;
  const precision = writer.productPrecision;
  const text =
    `stablehlo.convolution(${x.name}, ${filters.name}) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], ` +
    `window = {stride = ${list(strides)}, pad = ${list(padding.map(list))}, lhs_dilate = ${list(inputDilation)}, ` +
    `rhs_dilate = ${list(filterDilation)}, reverse = [false, false]} ` +
    `{batch_group_count = 1 : i64, feature_group_count = ${groups} : i64, ` +
    `precision_config = [#stablehlo<precision ${precision}>, #stablehlo<precision ${precision}>]}`;
  return writer.write(text, [x, filters], { shape: y.shape, type: x.type });
};
