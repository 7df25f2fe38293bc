import { patchGrid } from '../../image/size.ts';
import type { MaskGenerator } from '../task.ts';
import { inGroups } from './in-groups.ts';

/** Range of a block's share of the image, and of its ratio of height to width: BEiT's 16 to 75 of 196 patches. */
const AREA = [16 / 196, 75 / 196] as const;
const ASPECT = [0.3, 1 / 0.3] as const;
/** Number of blocks; after them, all uncovered tokens are equally likely to stay. */
const BLOCKS = 64;

/** Removes rectangles one after another; they may overlap (BEiT, arXiv 2106.08254). */
export const block: MaskGenerator = {
  name: 'block',
  summary: 'rectangles of random size and shape (BEiT)',
  order: (rng, geometry) => {
    const [rows, columns] = patchGrid(geometry);
    // Tokens of the first block are removed first: they come last in the order.
    const groups = new Int32Array(rows * columns).fill(-BLOCKS);
    for (let i = 0; i < BLOCKS; i++) {
      const area = rng.uniform(...AREA) * rows * columns;
      const aspect = Math.exp(rng.uniform(Math.log(ASPECT[0]), Math.log(ASPECT[1])));
      const height = side(Math.sqrt(area * aspect), rows);
      const width = side(Math.sqrt(area / aspect), columns);
      const [top, left] = [rng.int(rows - height + 1), rng.int(columns - width + 1)];
      for (let row = top; row < top + height; row++)
        for (let column = left; column < left + width; column++) {
          const token = row * columns + column;
          if (groups[token] === -BLOCKS) groups[token] = -i;
        }
    }
    return inGroups(groups, rng);
  },
};

const side = (length: number, most: number) => Math.min(most, Math.max(1, Math.round(length)));
