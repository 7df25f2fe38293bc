import type { Level } from './anchors.ts';
import { boxArea } from './boxes.ts';
import { type Boxes, countOf } from './rows.ts';

/** The samples of an interval's bins along one side of a map: two places and the weight of the second, −1 where a sample lies outside. */
export interface Samples {
  /** Samples of a bin. */
  readonly each: number;
  /** [bins · each] */
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float64Array;
}

/**
 * Places at which ROI align reads a side of `size` places for the interval from `low` to `high` (Mask R-CNN, arXiv 1703.06870; as
 * torchvision's with `aligned=True`).
 * @param sampling samples of a bin; 0: one for each place that it covers
 */
export function samplesOf(low: number, high: number, bins: number, size: number, sampling: number): Samples {
  const step = (high - low) / bins;
  const each = sampling > 0 ? sampling : Math.max(1, Math.ceil(step));
  const count = bins * each;
  const samples = {
    each,
    first: new Int32Array(count).fill(-1),
    second: new Int32Array(count),
    share: new Float64Array(count),
  };
  for (let i = 0; i < count; i++) {
    const bin = Math.floor(i / each);
    const place = low - 0.5 + bin * step + ((i - bin * each + 0.5) * step) / each;
    if (!(place >= -1 && place <= size)) continue;
    const inside = Math.max(place, 0);
    const first = Math.min(Math.floor(inside), size - 1);
    samples.first[i] = first;
    samples.second[i] = Math.min(first + 1, size - 1);
    samples.share[i] = first === size - 1 ? 0 : inside - first;
  }
  return samples;
}

/** Adds the samples' weights to the rows of a matrix [bins, size] that starts at `at`. */
function addRows({ each, first, second, share }: Samples, size: number, out: Float32Array, at: number): void {
  for (let i = 0; i < first.length; i++) {
    if (first[i]! < 0) continue;
    const row = at + Math.floor(i / each) * size;
    out[row + first[i]!]! += (1 - share[i]!) / each;
    out[row + second[i]!]! += share[i]! / each;
  }
}

/** The matrices of a map that read boxes from it: rows [boxes, bins, H] and columns [boxes, bins, W]. */
export interface RoiMatrices {
  readonly rows: Float32Array;
  readonly columns: Float32Array;
}

/** The side of a box that lies on the map of stride 16. */
const USUAL = 224;

/** Keeps the logarithm of an area of 0 finite, as in detectron2. */
const TINY = 1e-8;

/**
 * The map that each box is read from (FPN, arXiv 1612.03144, equation 1): a box twice as large is read at twice the stride. Where the maps have
 * no such stride, the next smaller one is taken, else the smallest.
 */
export function levelsOf(boxes: Boxes, levels: readonly Level[]): Int32Array {
  return Int32Array.from({ length: countOf(boxes) }, (_, i) => {
    const wanted = Math.floor(4 + Math.log2(Math.sqrt(boxArea(boxes, i)) / USUAL + TINY));
    return Math.max(
      0,
      levels.findLastIndex(({ stride }) => Math.log2(stride) <= wanted),
    );
  });
}

/** The same without logarithms: the smallest area of a box that is read from each map, in square pixels; 0 for the first map. */
export const smallestAreas = (levels: readonly Level[]): number[] =>
  levels.map(({ stride }, i) => (i === 0 ? 0 : (USUAL * (stride / 16 - TINY)) ** 2));

/**
 * ROI align as products: rows · map · columnsᵀ reads the boxes from a map, bins × bins values each. Every map has rows and columns for
 * all `count` boxes; those of a box that is read from another map, and those beyond the last box, are 0, so that the results of all maps
 * are added. Linear in the map, so its gradient is exact.
 */
export function roiMatrices(
  boxes: Boxes,
  levels: readonly Level[],
  { count, bins, sampling }: { readonly count: number; readonly bins: number; readonly sampling: number },
): RoiMatrices[] {
  const places = levelsOf(boxes, levels);
  return levels.map(({ size: [height, width], stride }, level) => {
    const rows = new Float32Array(count * bins * height);
    const columns = new Float32Array(count * bins * width);
    for (const [i, place] of places.entries()) {
      if (place !== level) continue;
      const side = (from: number) =>
        [boxes[4 * i + from]! / stride, boxes[4 * i + from + 2]! / stride] as const;
      addRows(samplesOf(...side(1), bins, height, sampling), height, rows, i * bins * height);
      addRows(samplesOf(...side(0), bins, width, sampling), width, columns, i * bins * width);
    }
    return { rows, columns };
  });
}
