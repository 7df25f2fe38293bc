import {
  broadcast,
  concat,
  constant,
  matmul,
  reshape,
  sliceAxis,
  type Tensor,
  transpose,
} from '../graph/index.ts';
import type { Size } from '../image/size.ts';
import { type LayerParameter, parameter } from './parameters.ts';

/**
 * The table of a layer's relative position biases, named and ordered as in BEiT (arXiv 2106.08254): a row for each difference of
 * places, [(2H − 1) · (2W − 1), heads], and with a class token three more: from it, to it, and from it to itself. Starts as zeros.
 */
export function relativePositionParameters(
  name: string,
  [rows, columns]: Size,
  heads: number,
  classToken: boolean,
): LayerParameter[] {
  const count = (2 * rows - 1) * (2 * columns - 1) + (classToken ? 3 : 0);
  return [parameter(`${name}.relative_position_bias_table`, [count, heads], { kind: 'zeros' })];
}

/**
 * The bias of a table for the attention of each token to each other one: [1, heads, N, N]. Two products with constant matrices choose the
 * rows, so that nothing is scattered in the gradient.
 */
export function relativePositionBias(table: Tensor, [rows, columns]: Size, classToken: boolean): Tensor {
  const heads = table.shape[1]!;
  const [tall, wide] = [2 * rows - 1, 2 * columns - 1];
  const places = reshape(sliceAxis(table, 0, 0, tall * wide), [tall, wide * heads]);
  const byRows = reshape(matmul(differences(rows), places), [rows * rows, wide, heads]);
  const all = matmul(differences(columns), byRows); // [H·H, W·W, h]
  const split = transpose(reshape(all, [rows, rows, columns, columns, heads]), [4, 0, 2, 1, 3]);
  const count = rows * columns;
  const patches = reshape(split, [1, heads, count, count]);
  if (!classToken) return patches;
  const entry = (i: number, shape: readonly number[]) => {
    const one = sliceAxis(table, 0, tall * wide + i, tall * wide + i + 1);
    return broadcast(reshape(one, [1, heads, 1, 1]), [1, heads, ...shape]);
  };
  const top = concat([entry(2, [1, 1]), entry(0, [1, count])], 3);
  return concat([top, concat([entry(1, [count, 1]), patches], 3)], 2);
}

/** Row i·n + j chooses the difference i − j among −(n − 1) … n − 1: [n·n, 2n − 1]. */
export function differences(n: number): Tensor {
  const width = 2 * n - 1;
  const matrix = new Float32Array(n * n * width);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) matrix[(i * n + j) * width + i - j + n - 1] = 1;
  return constant(matrix, [n * n, width]);
}
