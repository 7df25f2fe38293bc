import type { RgbImage } from './rgb-image.ts';

/** A rectangle in a picture, in pixels from its upper left corner. Sides may lie within pixels. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** A smaller share is rounding. */
const ROUNDING = 1e-3;

/**
 * The rectangle that a map covers; undefined if it covers the whole picture, or nothing.
 * @param share [height, width], the covered share of each pixel
 */
export function coveredBox(share: ArrayLike<number>, height: number, width: number): Box | undefined {
  const rows = new Float64Array(height);
  const columns = new Float64Array(width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const value = share[y * width + x]!;
      rows[y] = Math.max(rows[y]!, value);
      columns[x] = Math.max(columns[x]!, value);
    }
  const [top, bottom] = ends(rows);
  const [left, right] = ends(columns);
  if (!(bottom > top && right > left)) return undefined;
  const most = 1 - ROUNDING;
  const isWhole = [rows, columns].every((line) => line.every((value) => value >= most));
  return isWhole ? undefined : { top, left, bottom, right };
}

/** Where the covered part of a line begins and ends. */
function ends(line: Float64Array): [start: number, end: number] {
  const isCovered = (value: number) => value > ROUNDING;
  const [first, last] = [line.findIndex(isCovered), line.findLastIndex(isCovered)];
  if (first < 0) return [0, 0];
  return [first + 1 - Math.min(1, line[first]!), last + Math.min(1, line[last]!)];
}

/** A picture with a box drawn into it: a white line in a black one, which shows on any colour. */
export function outlined(image: RgbImage, { top, left, bottom, right }: Box): RgbImage {
  const { width, height } = image;
  const data = image.data.slice();
  const draw = (inset: number, level: number) => {
    const [t, l] = [Math.round(top) + inset, Math.round(left) + inset];
    const [b, r] = [Math.round(bottom) - 1 - inset, Math.round(right) - 1 - inset];
    const paint = (y: number, x: number) => {
      if (y >= 0 && y < height && x >= 0 && x < width)
        data.fill(level, (y * width + x) * 3, (y * width + x) * 3 + 3);
    };
    for (let x = l; x <= r; x++) for (const y of [t, b]) paint(y, x);
    for (let y = t; y <= b; y++) for (const x of [l, r]) paint(y, x);
  };
  draw(-1, 0);
  draw(0, 255);
  return { width, height, data };
}
