import { add, matmul, reshape, type Tensor, transpose } from '../graph/index.ts';
import type { Size } from '../image/size.ts';
import { type LayerParameter, parameter, type Weights } from './parameters.ts';
import { differences } from './relative-positions.ts';

/**
 * A layer's decomposed relative positions (MViTv2, arXiv 2112.01526), named as in detectron2's ViT: a vector for each difference of
 * rows, and of columns, that all heads share. They start as zeros.
 */
export function decomposedParameters(
  name: string,
  [rows, columns]: Size,
  features: number,
): LayerParameter[] {
  const table = (part: string, side: number) =>
    parameter(`${name}.${part}`, [2 * side - 1, features], { kind: 'zeros' });
  return [table('rel_pos_h', rows), table('rel_pos_w', columns)];
}

/**
 * Their part of the attention of queries [B, h, N, d] of a grid: [B, h, N, N]. A query's products with the vectors of rows and of columns
 * are added.
 */
export function decomposedBias(q: Tensor, weights: Weights, name: string, [rows, columns]: Size): Tensor {
  const [batch, heads, , features] = q.shape as [number, number, number, number];
  const places = reshape(q, [batch * heads, rows, columns, features]);
  const vectors = (part: string, side: number) =>
    reshape(matmul(differences(side), weights(`${name}.${part}`)), [1, side, side, features]);
  const byRow = matmul(places, vectors('rel_pos_h', rows), { transposeB: true }); // [B·h, H, W, H]
  const turned = transpose(places, [0, 2, 1, 3]);
  const byColumn = matmul(turned, vectors('rel_pos_w', columns), { transposeB: true }); // [B·h, W, H, W]
  const all = add(
    reshape(byRow, [batch * heads, rows, columns, rows, 1]),
    reshape(transpose(byColumn, [0, 2, 1, 3]), [batch * heads, rows, columns, 1, columns]),
  );
  return reshape(all, [batch, heads, rows * columns, rows * columns]);
}
