import type { Size } from '../image/size.ts';
import { type Rle, Runs } from './rle.ts';

/**
 * The pixels of an image where a mask head's mask of a box is ½ or more, as detectron2 pastes it: bilinear between the mask's values, 0 around
 * them.
 * @param values [side, side] in [0, 1], row by row @param box [x1, y1, x2, y2] in pixels of the image
 */
export function pasteMask(values: Float32Array, side: number, box: ArrayLike<number>, size: Size): Rle {
  const [height, width] = size;
  const [x1, y1, x2, y2] = [box[0]!, box[1]!, box[2]!, box[3]!];
  const runs = new Runs();
  const column = new Float64Array(side);
  // Half a value of the mask is 0 or more beyond the box.
  const [wide, tall] = [(x2 - x1) / side, (y2 - y1) / side];
  const [left, right] = [Math.max(0, Math.floor(x1 - wide)), Math.min(width, Math.ceil(x2 + wide))];
  const [top, bottom] = [Math.max(0, Math.floor(y1 - tall)), Math.min(height, Math.ceil(y2 + tall))];
  for (let x = left; x < right; x++) {
    const across = (x + 0.5 - x1) / wide - 0.5;
    for (let i = 0; i < side; i++) column[i] = between(across, side, (j) => values[i * side + j]!);
    let start = -1;
    for (let y = top; y <= bottom; y++) {
      const inside = y < bottom && between((y + 0.5 - y1) / tall - 0.5, side, (i) => column[i]!) >= 0.5;
      if (inside && start < 0) start = y;
      if (inside || start < 0) continue;
      runs.add(x * height + start, x * height + y);
      start = -1;
    }
  }
  return runs.end(size);
}

/** The value at a place between two whole ones; 0 outside. */
function between(place: number, count: number, value: (i: number) => number): number {
  const first = Math.floor(place);
  const share = place - first;
  const at = (i: number) => (i >= 0 && i < count ? value(i) : 0);
  return (1 - share) * at(first) + share * at(first + 1);
}
