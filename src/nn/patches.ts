import { reshape, type Tensor, transpose } from '../graph/index.ts';
import { type Geometry, patchGrid } from '../image/size.ts';

/*
 * Inside the graph, the values of a patch are ordered (channel, row, column), as in the patch embedding's weight:
 * rows of pixels stay contiguous, and the encoder and the target share one transpose.
 * Outside, they are ordered (row, column, channel), as in the paper and in MAE.
 */

/** Cuts images into patches: [B, C, H, W] → [B, N, C·p²]. */
export function patchify(image: Tensor, patch: number): Tensor {
  const [batch, channels, height, width] = image.shape as [number, number, number, number];
  const [rows, columns] = patchGrid({ image: [height, width], patch });
  const cut = reshape(image, [batch, channels, rows, patch, columns, patch]);
  return reshape(transpose(cut, [0, 2, 4, 1, 3, 5]), [batch, rows * columns, channels * patch * patch]);
}

/** Inverse of `patchify`: [B, N, C·p²] → [B, C, H, W]. */
export function unpatchify(patches: Tensor, { image, patch, channels }: Geometry): Tensor {
  const [rows, columns] = patchGrid({ image, patch });
  const grid = reshape(patches, [patches.shape[0]!, rows, columns, channels, patch, patch]);
  return reshape(transpose(grid, [0, 3, 1, 4, 2, 5]), [patches.shape[0]!, channels, ...image]);
}

/** Reorders the values of each patch from (channel, row, column) to (row, column, channel): [B, N, C·p²]. */
export function channelsLast(patches: Tensor, channels: number): Tensor {
  const [batch, count, size] = patches.shape as [number, number, number];
  const values = reshape(patches, [batch, count, channels, size / channels]);
  return reshape(transpose(values, [0, 1, 3, 2]), patches.shape);
}
