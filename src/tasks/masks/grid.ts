import { patchGrid } from '../../image/size.ts';
import type { MaskGenerator } from '../task.ts';
import { inGroups } from './in-groups.ts';

/** Side of a cell, in patches. */
const CELL = 4;

/** Removes whole cells of 4×4 patches (Pixio, arXiv 2512.15715). */
export const grid: MaskGenerator = {
  name: 'grid',
  summary: 'cells of 4×4 patches (Pixio)',
  order: (rng, geometry) => {
    const [rows, columns] = patchGrid(geometry);
    const [down, across] = [Math.ceil(rows / CELL), Math.ceil(columns / CELL)];
    const rank = rng.permutation(down * across);
    const cellOf = (row: number, column: number) =>
      Math.floor(row / CELL) * across + Math.floor(column / CELL);
    const groups = Int32Array.from(
      { length: rows * columns },
      (_, i) => rank[cellOf(Math.floor(i / columns), i % columns)]!,
    );
    return inGroups(groups, rng);
  },
};
