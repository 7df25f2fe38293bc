import type { Boxes } from './rows.ts';

/** Factors on the shifts of a box's centre and on the logarithms of its sides' ratios. */
export interface DeltaScale {
  readonly shift: number;
  readonly size: number;
}

/** The factors of region proposals. */
export const PROPOSAL_SCALE: DeltaScale = { shift: 1, size: 1 };
/** The factors of a box head. */
export const HEAD_SCALE: DeltaScale = { shift: 10, size: 5 };

/** Largest logarithm by which a side grows, so that no exponential overflows. */
export const MOST_GROWTH = Math.log(1000 / 16);

/**
 * The deltas that turn each box into its target (R-CNN, arXiv 1311.2524, appendix C): [n, 4]. Boxes must have an area; a target without
 * one gives −∞ or NaN.
 */
export function encode(boxes: Boxes, targets: Boxes, { shift, size }: DeltaScale): Float64Array {
  const deltas = new Float64Array(boxes.length);
  for (let i = 0; i < boxes.length; i += 4) {
    const [from, to] = [centred(boxes, i), centred(targets, i)];
    deltas[i] = (shift * (to.x - from.x)) / from.width;
    deltas[i + 1] = (shift * (to.y - from.y)) / from.height;
    deltas[i + 2] = size * Math.log(to.width / from.width);
    deltas[i + 3] = size * Math.log(to.height / from.height);
  }
  return deltas;
}

/** The boxes that deltas make of others: undoes `encode`. Sides grow by 62.5 times at most. */
export function decode(boxes: Boxes, deltas: ArrayLike<number>, { shift, size }: DeltaScale): Boxes {
  const moved = new Float64Array(boxes.length);
  for (let i = 0; i < boxes.length; i += 4) {
    const { x, y, width, height } = centred(boxes, i);
    const wide = (width * Math.exp(Math.min(deltas[i + 2]! / size, MOST_GROWTH))) / 2;
    const tall = (height * Math.exp(Math.min(deltas[i + 3]! / size, MOST_GROWTH))) / 2;
    const [right, down] = [x + (deltas[i]! / shift) * width, y + (deltas[i + 1]! / shift) * height];
    moved[i] = right - wide;
    moved[i + 1] = down - tall;
    moved[i + 2] = right + wide;
    moved[i + 3] = down + tall;
  }
  return moved;
}

function centred(boxes: Boxes, i: number) {
  const [width, height] = [boxes[i + 2]! - boxes[i]!, boxes[i + 3]! - boxes[i + 1]!];
  return { x: boxes[i]! + width / 2, y: boxes[i + 1]! + height / 2, width, height };
}
