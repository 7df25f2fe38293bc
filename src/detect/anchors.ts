import type { Size } from '../image/size.ts';
import type { Boxes } from './rows.ts';

/** A map of a pyramid: its rows and columns, and the pixels from one of its places to the next. */
export interface Level {
  readonly size: Size;
  readonly stride: number;
}

/** Heights over widths of the anchors at a place. */
export const RATIOS = [0.5, 1, 2] as const;

/** Side of a square anchor in strides of its map: 32 pixels at stride 4, as in FPN (arXiv 1612.03144). */
const SIDE = 8;

/** Number of anchors of an image. */
export const countAnchors = (levels: readonly Level[]): number =>
  levels.reduce((sum, { size: [rows, columns] }) => sum + RATIOS.length * rows * columns, 0);

/**
 * Anchors of a map, as detectron2 places them: for each place (row by row) one of each ratio, of equal areas, around the place's upper
 * left corner. They grow with the stride, and so with the patches of the encoder.
 */
export function anchorsOf({ size: [rows, columns], stride }: Level): Boxes {
  const anchors = new Float64Array(4 * RATIOS.length * rows * columns);
  let at = 0;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      for (const ratio of RATIOS) {
        const width = (SIDE * stride) / Math.sqrt(ratio);
        const [x, y, height] = [column * stride, row * stride, ratio * width];
        anchors[at++] = x - width / 2;
        anchors[at++] = y - height / 2;
        anchors[at++] = x + width / 2;
        anchors[at++] = y + height / 2;
      }
  return anchors;
}
