import type { RuleOf } from './rule.ts';
import { list, type Value } from './values.ts';
import type { FunctionWriter } from './writer.ts';

/** Rows of each sample, or of a table shared by all samples. */
export const gather: RuleOf<'gather'> = (writer, { outputs: [y] }, [x, indices]) => {
  const [samples, count] = indices.shape as [number, number];
  const rest = x.shape.slice(2);
  const shared = x.shape[0] === 1 && samples !== 1;
  const table = shared ? writer.reshape(x, x.shape.slice(1)) : x;
  const at = writer.reshape(indices, [samples, count, 1]);
  const offsets = list(rest.map((_, axis) => axis + 2));
  const numbers = shared
    ? `offset_dims = ${offsets}, collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2`
    : `offset_dims = ${offsets}, collapsed_slice_dims = [1], operand_batching_dims = [0], ` +
      'start_indices_batching_dims = [0], start_index_map = [1], index_vector_dim = 2';
  const sizes = [...(shared ? [1] : [1, 1]), ...rest].join(', ');
  const text =
    `"stablehlo.gather"(${table.name}, ${at.name}) <{dimension_numbers = #stablehlo.gather<${numbers}>, ` +
    `indices_are_sorted = false, slice_sizes = array<i64: ${sizes}>}>`;
  return writer.write(text, [table, at], { shape: y.shape, type: x.type });
};

/** Adds rows to zeros. */
export const scatterAdd: RuleOf<'scatterAdd'> = (writer, { outputs: [y] }, [x, indices]) => {
  const zeros = writer.number(0, y.shape, x.type);
  return scatter(writer, zeros, indices, x, 'add');
};

/** Scatters 0, 1, … to the positions in each order. */
export const invertPermutation: RuleOf<'invertPermutation'> = (writer, { outputs: [y] }, [order]) => {
  const zeros = writer.constant(new Int32Array(order.shape[0]! * order.shape[1]!), y.shape, 'i32');
  return scatter(writer, zeros, order, writer.iota(y.shape, 1), 'replace');
};

/** Scatters updates [B, K, ...] into `target` [B, N, ...] at the rows `indices` [B, K]. */
function scatter(
  writer: FunctionWriter,
  target: Value,
  indices: Value,
  updates: Value,
  how: 'add' | 'replace',
): Value {
  const at = writer.reshape(indices, [...indices.shape, 1]);
  const windows = list(updates.shape.slice(2).map((_, axis) => axis + 2));
  const scalar = `tensor<${target.type}>`;
  const body =
    how === 'add'
      ? `%sum = stablehlo.add %old, %new : ${scalar} stablehlo.return %sum`
      : 'stablehlo.return %new';
  const text =
    `"stablehlo.scatter"(${target.name}, ${at.name}, ${updates.name}) <{indices_are_sorted = false, ` +
    `scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = ${windows}, inserted_window_dims = [1], ` +
    'input_batching_dims = [0], scatter_indices_batching_dims = [0], scatter_dims_to_operand_dims = [1], index_vector_dim = 2>, ' +
    `unique_indices = ${how === 'replace'}}> ({ ^bb0(%old: ${scalar}, %new: ${scalar}): ${body} : ${scalar} })`;
  return writer.write(text, [target, at, updates], target);
}
