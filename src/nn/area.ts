import { constant, matmul, reshape, type Tensor } from '../graph/index.ts';
import type { Size } from '../image/size.ts';

/**
 * Matrix [to, from] of adaptive average pooling along one side: output i is the mean of inputs ⌊i·from/to⌋ … ⌈(i +
 * 1)·from/to⌉ − 1. It reduces or enlarges the side.
 */
export function areaMatrix(from: number, to: number): Float32Array {
  const matrix = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const first = Math.floor((i * from) / to);
    const end = Math.ceil(((i + 1) * from) / to);
    matrix.fill(1 / (end - first), i * from + first, i * from + end);
  }
  return matrix;
}

/** Rows `start` to `end` (exclusive) of an area matrix, as a constant. */
export function areaRows(from: number, to: number, start = 0, end = to): Tensor {
  return constant(areaMatrix(from, to).slice(start * from, end * from), [end - start, from]);
}

/**
 * rows · image · columnsᵀ for each channel, multiplied in the cheaper order: [B, C, H, W], rows [.., H', H], columns
 * [.., W', W] → [B, C, H', W'].
 */
export function project(image: Tensor, rows: Tensor, columns: Tensor): Tensor {
  const [height, h] = rows.shape.slice(-2) as [number, number];
  const [width, w] = columns.shape.slice(-2) as [number, number];
  const across = (x: Tensor) => matmul(x, columns, { transposeB: true });
  return height * w * (h + width) <= width * h * (w + height)
    ? across(matmul(rows, image))
    : matmul(rows, across(image));
}

/** Resizes images by area: [B, C, H, W] → [B, C, height, width]. */
export function areaResize(image: Tensor, [height, width]: Size): Tensor {
  const [batch, channels, h, w] = image.shape as [number, number, number, number];
  const [down, across] = [blocks(h, height), blocks(w, width)];
  const cut = reshape(image, [batch, channels * down, h / down, w]);
  const tall = matmul(areaRows(h / down, height / down), cut);
  const lines = reshape(tall, [batch, channels, height * across, w / across]);
  const wide = matmul(lines, areaRows(w / across, width / across), { transposeB: true });
  return reshape(wide, [batch, channels, height, width]);
}

/** Smallest block worth splitting off: below it, the smaller product loses more speed than it saves work. */
const SMALLEST_BLOCK = 32;

/** Number of equal blocks that a side splits into, resized alike: 4 of 56 pixels, each to 72, for 224 to 288. */
function blocks(from: number, to: number): number {
  let count = 1;
  for (let i = 2; from / i >= SMALLEST_BLOCK; i++) if (from % i === 0 && to % i === 0) count = i;
  return count;
}
