import { type Rle, requireMaskSize } from './rle.ts';

const SCALE = 5; // outlines are walked on a grid of fifths of a pixel
/** The longest outline in pixels: four times around each pixel, and 64 times across the picture. */
const longest = ([height, width]: Rle['size']) => 4 * height * width + 64 * (height + width);

/**
 * The mask inside an outline [x, y, x, y, …] in pixels, closed from its last point to its first, exactly as pycocotools' `frPyObjects` makes
 * it: the outline is walked on a grid of fifths of a pixel; of each column of pixels those between its crossings are inside, by the even-odd
 * rule. Throws RangeError for fewer than three points, numbers that are not finite, and an outline that is too long to be walked.
 */
export function polygonRle(outline: ArrayLike<number>, size: Rle['size']): Rle {
  requireMaskSize(size);
  const [height, width] = size;
  const [xs, ys] = gridPoints(outline, longest(size));
  const crossings: number[] = [];
  let last: { x: number; y: number } | undefined;
  const visit = (x: number, y: number) => {
    if (last && x !== last.x) {
      const column = ((x < last.x ? x : x - 1) + 0.5) / SCALE - 0.5; // whole at the centre of a column of pixels
      if (Number.isInteger(column) && column >= 0 && column < width) {
        const row = (Math.min(y, last.y) + 0.5) / SCALE - 0.5;
        crossings.push(column * height + Math.ceil(Math.min(Math.max(row, 0), height)));
      }
    }
    last ??= { x, y };
    last.x = x;
    last.y = y;
  };
  for (let i = 0; i < xs.length; i++) {
    const next = (i + 1) % xs.length;
    walkEdge(xs[i]!, ys[i]!, xs[next]!, ys[next]!, visit);
  }
  return { size, counts: runsBetween(crossings, height * width) };
}

/** The points on the grid. */
function gridPoints(outline: ArrayLike<number>, most: number): [xs: Float64Array, ys: Float64Array] {
  const count = outline.length / 2;
  if (!Number.isInteger(count) || count < 3)
    throw new RangeError(
      `an outline must have x and y of three points or more, got ${outline.length} numbers`,
    );
  const [xs, ys] = [new Float64Array(count), new Float64Array(count)];
  for (let i = 0; i < outline.length; i++) {
    const value = outline[i];
    if (!Number.isFinite(value))
      throw new RangeError(`the points of an outline must be finite numbers, got ${shown(value)}`);
    (i % 2 ? ys : xs)[i >> 1] = Math.trunc(SCALE * value! + 0.5);
  }
  let steps = 0;
  for (let i = 0; i < count; i++) {
    const next = (i + 1) % count;
    steps += Math.max(Math.abs(xs[i]! - xs[next]!), Math.abs(ys[i]! - ys[next]!)) + 1;
  }
  if (steps > SCALE * most + count)
    throw new RangeError(
      `an outline must be ${most} pixels long at most, got ${(steps / SCALE).toPrecision(3)}`,
    );
  return [xs, ys];
}

const shown = (value: unknown) => (typeof value === 'number' ? String(value) : `a ${typeof value}`);

/** Visits the points of the grid along an edge, one for each step of its longer side, from its start to its end. */
function walkEdge(
  startX: number,
  startY: number,
  endX: number,
  endY: number,
  visit: (x: number, y: number) => void,
): void {
  const [dx, dy] = [Math.abs(endX - startX), Math.abs(endY - startY)];
  const across = dx >= dy;
  // Points are computed from the end with the smaller coordinate, so that an edge is the same from both sides.
  const turned = across ? startX > endX : startY > endY;
  const [x0, y0, x1, y1] = turned ? [endX, endY, startX, startY] : [startX, startY, endX, endY];
  const steps = across ? dx : dy;
  const slope = steps === 0 ? 0 : across ? (y1 - y0) / dx : (x1 - x0) / dy;
  for (let step = 0; step <= steps; step++) {
    const t = turned ? steps - step : step;
    if (across) visit(x0 + t, Math.trunc(y0 + slope * t + 0.5));
    else visit(Math.trunc(x0 + slope * t + 0.5), y0 + t);
  }
}

/** Runs between sorted places, where zeros and ones change; two changes at one place cancel each other. */
function runsBetween(crossings: readonly number[], pixels: number): Uint32Array {
  const places = Float64Array.from([...crossings, pixels]).sort();
  const counts: number[] = [places[0]!];
  for (let i = 1; i < places.length; i++) {
    const run = places[i]! - places[i - 1]!;
    if (run > 0) counts.push(run);
    else if (++i < places.length) counts[counts.length - 1]! += places[i]! - places[i - 1]!;
  }
  return Uint32Array.from(counts);
}
