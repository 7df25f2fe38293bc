import type { Size } from '../image/size.ts';
import { samplesOf } from './roi-align.ts';

/**
 * The mask that a mask head learns for a box [x1, y1, x2, y2]: ROI align of an object's pixels, 1 where it is ½ or more, [side, side]. As
 * detectron2's `BitMasks.crop_and_resize`.
 * @param pixels [height, width], row by row, of 0 and 1
 */
export function maskTarget(
  pixels: Uint8Array,
  [height, width]: Size,
  box: ArrayLike<number>,
  side: number,
): Uint8Array {
  const down = samplesOf(box[1]!, box[3]!, side, height, 0);
  const across = samplesOf(box[0]!, box[2]!, side, width, 0);
  const read = [...new Set([...across.first, ...across.second])].filter((column) => column >= 0);
  const target = new Uint8Array(side * side);
  const row = new Float64Array(width);
  const half = 0.5 * down.each * across.each;
  for (let i = 0; i < side; i++) {
    row.fill(0);
    for (let k = i * down.each; k < (i + 1) * down.each; k++) {
      if (down.first[k]! < 0) continue;
      const [first, second, share] = [down.first[k]! * width, down.second[k]! * width, down.share[k]!];
      for (const column of read)
        row[column]! += (1 - share) * pixels[first + column]! + share * pixels[second + column]!;
    }
    for (let j = 0; j < side; j++) {
      let sum = 0;
      for (let k = j * across.each; k < (j + 1) * across.each; k++)
        if (across.first[k]! >= 0)
          sum += (1 - across.share[k]!) * row[across.first[k]!]! + across.share[k]! * row[across.second[k]!]!;
      target[i * side + j] = Number(sum >= half);
    }
  }
  return target;
}
