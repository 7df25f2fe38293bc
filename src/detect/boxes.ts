/**
 * Boxes as rows [x1, y1, x2, y2] in pixels of the upright picture. The right and the lower edge lie behind the last pixel, so that a box of
 * one pixel has a side of 1.
 */
export type BoxRows = Float32Array | Float64Array;

/** Area of box `i`; 0 for a box without an inside. */
export function boxArea(boxes: BoxRows, i: number): number {
  const width = boxes[4 * i + 2]! - boxes[4 * i]!;
  const height = boxes[4 * i + 3]! - boxes[4 * i + 1]!;
  return width > 0 && height > 0 ? width * height : 0;
}

/**
 * Intersection over union of box `i` of `a` and box `j` of `b`, in [0, 1]; 0 where they share no area. If `b`'s box is that of a crowd, the
 * intersection over the area of `a`'s box, as COCO defines it: any part of a crowd may be found.
 */
export function boxIou(a: BoxRows, i: number, b: BoxRows, j: number, crowd = false): number {
  const width = Math.min(a[4 * i + 2]!, b[4 * j + 2]!) - Math.max(a[4 * i]!, b[4 * j]!);
  const height = Math.min(a[4 * i + 3]!, b[4 * j + 3]!) - Math.max(a[4 * i + 1]!, b[4 * j + 1]!);
  if (!(width > 0 && height > 0)) return 0;
  const intersection = width * height;
  const whole = crowd ? boxArea(a, i) : boxArea(a, i) + boxArea(b, j) - intersection;
  return intersection / whole;
}

/**
 * `boxIou` of every pair: Float64Array [boxes of a, boxes of b]. @param crowds true (or 1) for each box of `b` that is a crowd's
 */
export function boxIous(a: BoxRows, b: BoxRows, crowds?: ArrayLike<boolean | number>): Float64Array {
  const [rows, columns] = [a.length / 4, b.length / 4];
  const out = new Float64Array(rows * columns);
  for (let i = 0, at = 0; i < rows; i++)
    for (let j = 0; j < columns; j++, at++) out[at] = boxIou(a, i, b, j, Boolean(crowds?.[j]));
  return out;
}
