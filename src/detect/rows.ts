import type { Size } from '../image/size.ts';

/** Boxes that are computed with: rows as those of `BoxRows`. */
export type Boxes = Float64Array;

/** Number of boxes. */
export const countOf = (boxes: Boxes): number => boxes.length / 4;

/** The boxes cut to a picture of this size. */
export function clipped(boxes: Boxes, [height, width]: Size): Boxes {
  return boxes.map((value, i) => Math.min(Math.max(value, 0), i % 2 === 0 ? width : height));
}

/** The boxes with these numbers, in this order. */
export function chosen(boxes: Boxes, indices: ArrayLike<number>): Boxes {
  const some = new Float64Array(4 * indices.length);
  for (let i = 0; i < indices.length; i++)
    some.set(boxes.subarray(4 * indices[i]!, 4 * indices[i]! + 4), 4 * i);
  return some;
}

/** Boxes one behind the other. */
export function allOf(parts: readonly Boxes[]): Boxes {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
