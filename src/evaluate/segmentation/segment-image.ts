import { bilinearSteps, type Steps } from '../../image/bilinear.ts';
import type { Size } from '../../image/size.ts';
import { addResizedRow, type Maps } from './bilinear.ts';
import { type Window, windowsOver } from './windows.ts';

/** An image to segment: [channels, height, width], in the model's normalisation. */
export interface Planes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/**
 * The model: takes tiles of one size, and returns logits [rows, columns, classes] for each, at any resolution. They are resized to the
 * tile. The model must be deterministic.
 */
export type Logits = (tiles: readonly Planes[]) => Promise<readonly Maps[]> | readonly Maps[];

export interface SegmentOptions {
  readonly classes: number;
  /** Size of the tiles: the model's input size. */
  readonly window: Size;
  /** Distance of the windows; the window's size gives no overlap. Default: two thirds of the window. */
  readonly stride?: Size;
  /** Largest number of tiles per call of the model. Default: 8. */
  readonly atOnce?: number;
  /** True: averages the scores of the image and of its mirror image. Default: false. */
  readonly flip?: boolean;
}

/**
 * The class of every pixel of an image, [height, width] at `size`, by sliding windows as in mmsegmentation's `slide_inference`. Logits
 * of each window are resized to the window, averaged where windows overlap, and resized to `size` bilinearly. The largest logit wins;
 * the lower class wins a tie. For several scales or mirror images, softmax scores are averaged. It works row by row to save memory: it
 * stores the model's outputs and a few rows of classes × width, but no array of classes × height × width.
 * An image smaller than a window is padded with 0 at the right and bottom, and the logits there are dropped.
 * @param scales the image in one or more sizes
 */
export async function segmentImage(
  scales: readonly Planes[],
  size: Size,
  logits: Logits,
  options: SegmentOptions,
): Promise<Uint8Array> {
  const { classes, flip = false } = options;
  if (classes > 255) throw new RangeError(`there must be at most 255 classes, got ${classes}`);
  if (scales.length === 0) throw new RangeError('an image must be given in at least one size, got none');
  const readers: RowReader[] = [];
  for (const image of scales)
    for (const mirrored of flip ? [false, true] : [false])
      readers.push(await rowReader(image, mirrored, size, logits, options));
  const [height, width] = size;
  const out = new Uint8Array(height * width);
  const scores = new Float64Array(width * classes);
  for (let y = 0; y < height; y++) {
    scores.fill(0);
    for (const read of readers) read(y, scores, readers.length > 1);
    for (let x = 0; x < width; x++) out[y * width + x] = largest(scores, x * classes, classes);
  }
  return out;
}

/** Adds row `y` of the result to scores [width, classes]: logits, or their softmax if several are averaged. */
type RowReader = (y: number, scores: Float64Array, softmax: boolean) => void;

async function rowReader(
  image: Planes,
  mirrored: boolean,
  [height, width]: Size,
  logits: Logits,
  options: SegmentOptions,
): Promise<RowReader> {
  const {
    classes,
    window,
    stride = window.map((side) => Math.max(1, Math.floor((2 * side) / 3))) as [number, number],
  } = options;
  const own: Size = [image.height, image.width];
  const windows = windowsOver(own, window, stride);
  const maps = await mapsOf(image, mirrored, windows, logits, options);
  const line = averagedRows(own[1], window, windows, maps, classes);
  const [down, across] = [bilinearSteps(own[0], height), bilinearSteps(own[1], width)];
  const row = new Float64Array(width * classes);
  return (y, scores, softmax) => {
    const [above, below] = [line(down.first[y]!), line(down.second[y]!)];
    const b = down.share[y]!;
    for (let x = 0; x < width; x++) {
      const s = across.share[x]!;
      const place = (column: number) => (mirrored ? own[1] - 1 - column : column) * classes;
      const [left, right] = [place(across.first[x]!), place(across.second[x]!)];
      for (let c = 0; c < classes; c++)
        row[x * classes + c] =
          (1 - b) * ((1 - s) * above[left + c]! + s * above[right + c]!) +
          b * ((1 - s) * below[left + c]! + s * below[right + c]!);
      if (softmax) toShares(row, x * classes, classes);
      for (let c = 0; c < classes; c++) scores[x * classes + c]! += row[x * classes + c]!;
    }
  };
}

/** Rows [width, classes] of the averaged windows. The two most recent rows are cached. */
function averagedRows(
  width: number,
  window: Size,
  windows: readonly Window[],
  maps: readonly Maps[],
  classes: number,
): (y: number) => Float64Array {
  const steps = new Map<string, { down: Steps; across: Steps }>();
  const stepsOf = ({ rows, columns }: Maps) => {
    const key = `${rows} ${columns}`;
    const known = steps.get(key) ?? {
      down: bilinearSteps(rows, window[0]),
      across: bilinearSteps(columns, window[1]),
    };
    steps.set(key, known);
    return known;
  };
  const padded = Math.max(width, window[1]);
  const cached = new Map<number, Float64Array>();
  return (y) => {
    const found = cached.get(y);
    if (found) return found;
    const sums = cached.size < 2 ? new Float64Array(padded * classes) : evict(cached).fill(0);
    const counts = new Float64Array(padded);
    for (const [i, at] of windows.entries()) {
      if (y < at.y || y >= at.y + window[0]) continue;
      addResizedRow(maps[i]!, y - at.y, stepsOf(maps[i]!), sums, at.x);
      for (let x = at.x; x < at.x + window[1]; x++) counts[x]!++;
    }
    for (let x = 0; x < width; x++) for (let c = 0; c < classes; c++) sums[x * classes + c]! /= counts[x]!;
    cached.set(y, sums);
    return sums;
  };
}

function evict(cached: Map<number, Float64Array>): Float64Array {
  const [oldest, row] = [...cached][0]!;
  cached.delete(oldest);
  return row;
}

/** The logits of all windows, in batches of tiles. */
async function mapsOf(
  image: Planes,
  mirrored: boolean,
  windows: readonly Window[],
  logits: Logits,
  { classes, window, atOnce = 8 }: SegmentOptions,
): Promise<Maps[]> {
  const maps: Maps[] = [];
  for (let start = 0; start < windows.length; start += atOnce) {
    const tiles = windows.slice(start, start + atOnce).map((at) => tileOf(image, at, window, mirrored));
    const got = await logits(tiles);
    for (const { channels, rows, columns, data } of got)
      if (channels !== classes || data.length !== rows * columns * channels)
        throw new RangeError(
          `logits must be maps of ${classes} classes, got [${rows}, ${columns}, ${channels}]`,
        );
    if (got.length !== tiles.length)
      throw new RangeError(`there must be logits for each of the ${tiles.length} tiles, got ${got.length}`);
    maps.push(...got);
  }
  return maps;
}

/** A window of an image or of its mirror image, padded with 0. */
function tileOf(
  { channels, height, width, data }: Planes,
  { y, x }: Window,
  size: Size,
  mirrored: boolean,
): Planes {
  const tile = new Float32Array(channels * size[0] * size[1]);
  for (let c = 0; c < channels; c++)
    for (let v = 0; v < Math.min(size[0], height - y); v++) {
      const from = (c * height + y + v) * width;
      const to = (c * size[0] + v) * size[1];
      for (let u = 0; u < Math.min(size[1], width - x); u++)
        tile[to + u] = data[from + (mirrored ? width - 1 - x - u : x + u)]!;
    }
  return { channels, height: size[0], width: size[1], data: tile };
}

function toShares(values: Float64Array, from: number, count: number): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = from; i < from + count; i++) most = Math.max(most, values[i]!);
  let sum = 0;
  for (let i = from; i < from + count; i++) sum += values[i] = Math.exp(values[i]! - most);
  for (let i = from; i < from + count; i++) values[i]! /= sum;
}

/** The index of the largest value, relative to `from`; the first one at a tie. */
function largest(values: Float64Array, from: number, count: number): number {
  let best = 0;
  for (let c = 1; c < count; c++) if (values[from + c]! > values[from + best]!) best = c;
  return best;
}
