import {
  concat,
  constant,
  conv,
  matmul,
  maximum,
  reshape,
  slice,
  sliceAxis,
  type Tensor,
  transpose,
} from '../graph/index.ts';
import { bilinearSteps } from '../image/bilinear.ts';
import type { Size } from '../image/size.ts';
import { areaMatrix } from './area.ts';

/** Tokens [B, N, D] of a grid, after `first` others, as a map [B, H, W, D]. */
export function mapOfTokens(tokens: Tensor, [rows, columns]: Size, first = 0): Tensor {
  const [batch, count, width] = tokens.shape as [number, number, number];
  const patches = first === 0 ? tokens : slice(tokens, [0, first, 0], [batch, count, width]);
  return reshape(patches, [batch, rows, columns, width]);
}

/** Correlates a map [B, H, W, C] with filters [O, C, k, k] of odd sides, zeros around it: [B, H, W, O]. */
export function convolve(x: Tensor, filters: Tensor): Tensor {
  const [out, channels, k] = filters.shape as [number, number, number, number];
  if (k === 1) return matmul(x, reshape(filters, [out, channels]), { transposeB: true });
  const around = [(k - 1) / 2, (k - 1) / 2] as const;
  const y = conv(transpose(x, [0, 3, 1, 2]), filters, { padding: [around, around] });
  return transpose(y, [0, 2, 3, 1]);
}

/** A transposed convolution of 2 × 2 filters [C, O, 2, 2] in steps of 2: [B, H, W, C] → [B, 2H, 2W, O]; each pixel becomes four. */
export function enlargeTwice(x: Tensor, filters: Tensor): Tensor {
  const [batch, rows, columns, channels] = x.shape as [number, number, number, number];
  const out = filters.shape[1]!;
  const four = matmul(x, reshape(filters, [channels, out * 4]));
  const split = transpose(reshape(four, [batch, rows, columns, out, 2, 2]), [0, 1, 4, 2, 5, 3]);
  return reshape(split, [batch, 2 * rows, 2 * columns, out]);
}

/** The largest of each 2 × 2 pixels: [B, H, W, C] → [B, ⌊H/2⌋, ⌊W/2⌋, C]. Equal ones share their gradient. */
export function maxPool(x: Tensor): Tensor {
  const [batch, rows, columns, channels] = x.shape as [number, number, number, number];
  const [h, w] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  const even = reshape(slice(x, [0, 0, 0, 0], [batch, 2 * h, 2 * w, channels]), [
    batch,
    h,
    2,
    w,
    2,
    channels,
  ]);
  // Pair by pair: the gradient of `max` divides by the number of equal values, which is 0 where an engine computes them twice, rounded differently.
  const larger = (of: Tensor, axis: number) => maximum(sliceAxis(of, axis, 0, 1), sliceAxis(of, axis, 1, 2));
  return reshape(larger(larger(even, 2), 4), [batch, h, w, channels]);
}

/** Adaptive average pooling: [B, H, W, C] → [B, h, w, C]. */
export function averagePool(x: Tensor, [rows, columns]: Size): Tensor {
  const matrix = (from: number, to: number) => constant(areaMatrix(from, to), [to, from]);
  return resized(x, matrix(x.shape[1]!, rows), matrix(x.shape[2]!, columns));
}

/** Bilinear interpolation as PyTorch's (align_corners=False, no smoothing): [B, H, W, C] → [B, h, w, C]. */
export function bilinear(x: Tensor, [rows, columns]: Size): Tensor {
  if (x.shape[1] === rows && x.shape[2] === columns) return x;
  return resized(x, bilinearMatrix(x.shape[1]!, rows), bilinearMatrix(x.shape[2]!, columns));
}

function bilinearMatrix(from: number, to: number): Tensor {
  const { first, second, share } = bilinearSteps(from, to);
  const matrix = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    matrix[i * from + first[i]!]! += 1 - share[i]!;
    matrix[i * from + second[i]!]! += share[i]!;
  }
  return constant(matrix, [to, from]);
}

/** rows · x along the height, then columns · x along the width; [h, H] and [w, W]. */
function resized(x: Tensor, rows: Tensor, columns: Tensor): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [h, w] = [rows.shape[0]!, columns.shape[0]!];
  const tall = matmul(rows, reshape(x, [batch, height, width * channels]));
  const wide = matmul(columns, reshape(tall, [batch * h, width, channels]));
  return reshape(wide, [batch, h, w, channels]);
}

/** Maps of one size, one behind the other in their channels. */
export function stacked(maps: readonly Tensor[]): Tensor {
  return concat(maps, 3);
}
