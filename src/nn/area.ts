import { constant, matmul, type Tensor } from '../graph/index.ts';
import type { Size } from './size.ts';

/**
 * The matrix [to, from] of adaptive average pooling along one side: output i is the mean of inputs
 * ⌊i·from/to⌋ … ⌈(i + 1)·from/to⌉ − 1. It shrinks and enlarges.
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

/** rows · image · columnsᵀ for every channel: [B, C, H, W], rows [.., H', H], columns [.., W', W] → [B, C, H', W']. */
export function project(image: Tensor, rows: Tensor, columns: Tensor): Tensor {
  return matmul(matmul(rows, image), columns, { transposeB: true });
}

/** Resizes images by area: [B, C, H, W] → [B, C, height, width]. */
export function areaResize(image: Tensor, [height, width]: Size): Tensor {
  const [h, w] = image.shape.slice(-2) as [number, number];
  return project(image, areaRows(h, height), areaRows(w, width));
}
