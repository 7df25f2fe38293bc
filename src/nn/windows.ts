import { pad, reshape, slice, type Tensor, transpose } from '../graph/index.ts';
import type { Size } from '../image/size.ts';

/** Squares of patches within which attention stays: the grid of patches, and the side of a square. */
export interface Windows {
  readonly grid: Size;
  readonly side: number;
}

/** Numbers of windows along the grid's sides. Those at its lower and right edge are filled up with zeros. */
function countsOf({ grid, side }: Windows): Size {
  return [Math.ceil(grid[0] / side), Math.ceil(grid[1] / side)];
}

/** Tokens of a grid by windows: [B, H · W, D] → [B · windows, side², D]. */
export function splitWindows(tokens: Tensor, windows: Windows): Tensor {
  const { grid, side } = windows;
  const [batch, , width] = tokens.shape as [number, number, number];
  const [down, across] = countsOf(windows);
  const map = reshape(tokens, [batch, ...grid, width]);
  const filled = pad(map, [0, 0, 0, 0], [0, down * side - grid[0], across * side - grid[1], 0]);
  const split = transpose(reshape(filled, [batch, down, side, across, side, width]), [0, 1, 3, 2, 4, 5]);
  return reshape(split, [batch * down * across, side * side, width]);
}

/** Undoes `splitWindows`: [B · windows, side², D] → [B, H · W, D]. */
export function joinWindows(tokens: Tensor, windows: Windows): Tensor {
  const { grid, side } = windows;
  const [down, across] = countsOf(windows);
  const width = tokens.shape[2]!;
  const batch = tokens.shape[0]! / (down * across);
  const joined = transpose(reshape(tokens, [batch, down, across, side, side, width]), [0, 1, 3, 2, 4, 5]);
  const map = reshape(joined, [batch, down * side, across * side, width]);
  return reshape(slice(map, [0, 0, 0, 0], [batch, ...grid, width]), [batch, grid[0] * grid[1], width]);
}
