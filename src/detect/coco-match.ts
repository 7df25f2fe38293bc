import { cocoBoxIou, type FoundObject, type TrueObject } from './coco-objects.ts';
import { maskIous } from './combine-rle.ts';
import { type Rle, rleArea } from './rle.ts';

/** The intersections over union from which on an object is found: .50, .55, … .95, in the rounding of NumPy's `linspace`. */
export const THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) =>
  i === 9 ? 0.95 : i * ((0.95 - 0.5) / 9) + 0.5,
);

/** Ranges of areas in pixels: all, small, medium, large. */
export const AREAS: readonly (readonly [least: number, most: number])[] = [
  [0, 1e10],
  [0, 32 ** 2],
  [32 ** 2, 96 ** 2],
  [96 ** 2, 1e10],
];

/** Found objects of a class in an image, by falling score, and for each range of areas how they were judged. */
export interface Matches {
  readonly scores: readonly number[];
  /** For each range: bit t of `right` is set if the object was matched at threshold t, of `ignored` if it does not count there. */
  readonly ranges: readonly {
    readonly right: Int32Array;
    readonly ignored: Int32Array;
    readonly objects: number;
  }[];
}

/**
 * Matches found and true objects of one class in one image as pycocotools' `evaluateImg` does: found ones by falling score, each takes the
 * true one that it overlaps most and that is free; objects that do not count (crowds, areas outside of the range) are taken last.
 * @param limit the most found objects that are looked at
 * Throws RangeError for masks that are missing or have different sizes.
 */
export function matchObjects(
  truths: readonly TrueObject[],
  found: readonly FoundObject[],
  kind: 'boxes' | 'masks',
  limit: number,
): Matches {
  const best = [...found].sort((a, b) => b.score - a.score).slice(0, limit); // equal ones keep their order
  const crowds = truths.map(({ crowd = false }) => crowd);
  const masks = kind === 'masks' ? best.map(maskOf) : undefined;
  const ious = masks
    ? maskIous(masks, truths.map(maskOf), crowds)
    : Float64Array.from(
        best.flatMap(({ box }) => truths.map((truth, j) => cocoBoxIou(box, truth.box, crowds[j]!))),
      );
  const areas = masks ? masks.map(rleArea) : best.map(({ box }) => box[2] * box[3]);
  const ranges = AREAS.map(([least, most]) => {
    const outside = (area: number) => area < least || area > most;
    const ignore = truths.map(({ area, ignore }, j) => crowds[j]! || Boolean(ignore) || outside(area));
    const order = [...truths.keys()].sort((a, b) => Number(ignore[a]) - Number(ignore[b]));
    const right = new Int32Array(best.length);
    const ignored = new Int32Array(best.length);
    for (const [t, threshold] of THRESHOLDS.entries()) {
      const taken = new Uint8Array(truths.length);
      for (let i = 0; i < best.length; i++) {
        const row = ious.subarray(i * truths.length, (i + 1) * truths.length);
        const match = bestMatch(row, Math.min(threshold, 1 - 1e-10), { order, taken, crowds, ignore });
        if (match >= 0) {
          taken[match] = 1;
          right[i]! |= 1 << t;
        }
        if (match >= 0 ? ignore[match] : outside(areas[i]!)) ignored[i]! |= 1 << t;
      }
    }
    return { right, ignored, objects: ignore.filter((each) => !each).length };
  });
  return { scores: best.map(({ score }) => score), ranges };
}

/** The true object that one row of overlaps chooses; −1 for none. */
function bestMatch(
  ious: Float64Array,
  threshold: number,
  {
    order,
    taken,
    crowds,
    ignore,
  }: {
    readonly order: readonly number[];
    readonly taken: Uint8Array;
    readonly crowds: readonly boolean[];
    readonly ignore: readonly boolean[];
  },
): number {
  let [most, match] = [threshold, -1];
  for (const j of order) {
    if (taken[j] && !crowds[j]) continue;
    if (match >= 0 && !ignore[match] && ignore[j]) break; // only ignored ones follow
    if (ious[j]! < most) continue;
    [most, match] = [ious[j]!, j];
  }
  return match;
}

function maskOf({ mask }: { readonly mask?: Rle | undefined }): Rle {
  if (mask) return mask;
  throw new RangeError('scores of masks need a mask of each object, got an object without one');
}
