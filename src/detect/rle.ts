/**
 * A mask as run lengths: `counts` are lengths of runs of equal pixels, column by column from the left, each from the top down. The first
 * is one of zeros and may be 0; zeros and ones take turns. Their sum is height × width.
 */
export interface Rle {
  readonly size: readonly [height: number, width: number];
  readonly counts: Uint32Array;
}

/** The most pixels of a mask: counts have 32 bits. */
const MOST_PIXELS = 2 ** 31;

/** Throws RangeError unless the sides are whole numbers of at least 1, of at most 2^31 pixels. */
export function requireMaskSize([height, width]: Rle['size']): void {
  const side = (n: number) => Number.isInteger(n) && n >= 1;
  if (!side(height) || !side(width) || height * width > MOST_PIXELS)
    throw new RangeError(
      `the size of a mask must be [height, width] in whole pixels, at most 2^31 of them, got [${height}, ${width}]`,
    );
}

/** Run lengths that were given as a list. Throws RangeError unless they are whole numbers that make height × width pixels. */
export function rleOf(counts: ArrayLike<number>, size: Rle['size']): Rle {
  requireMaskSize(size);
  const pixels = size[0] * size[1];
  const out = new Uint32Array(counts.length);
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    if (!(Number.isInteger(count) && count >= 0 && count <= pixels))
      throw new RangeError(
        `a run of a mask must be a whole number of 0 to ${pixels} pixels, got ${typeof count === 'number' ? count : `a ${typeof count}`}`,
      );
    out[i] = count;
    sum += count;
  }
  if (sum !== pixels)
    throw new RangeError(
      `the runs of a mask must fill its ${size[0]} × ${size[1]} (height × width) = ${pixels} pixels, got ${sum}`,
    );
  return { size, counts: out };
}

/** Run lengths of a mask [height, width], row by row; every value but 0 is inside. Throws RangeError for another number of pixels. */
export function encodeRle(mask: ArrayLike<number>, size: Rle['size']): Rle {
  requireMaskSize(size);
  const [height, width] = size;
  if (mask.length !== height * width)
    throw new RangeError(`a mask of ${height} × ${width} must have as many pixels, got ${mask.length}`);
  const runs = new Runs();
  for (let x = 0, at = 0; x < width; x++)
    for (let y = 0; y < height; y++, at++) if (mask[y * width + x]) runs.add(at, at + 1);
  return runs.end(size);
}

/** The mask [height, width] of 0 and 1, row by row. */
export function decodeRle({ size: [height, width], counts }: Rle): Uint8Array {
  const mask = new Uint8Array(height * width);
  let [x, y] = [0, 0];
  for (let i = 0; i < counts.length; i++) {
    let left = counts[i]!;
    while (left > 0) {
      const rows = Math.min(left, height - y);
      if (i % 2) for (let k = y; k < y + rows; k++) mask[k * width + x] = 1;
      y += rows;
      left -= rows;
      if (y === height) [x, y] = [x + 1, 0];
    }
  }
  return mask;
}

/** Number of pixels inside. */
export function rleArea({ counts }: Rle): number {
  let area = 0;
  for (let i = 1; i < counts.length; i += 2) area += counts[i]!;
  return area;
}

/** The box [x1, y1, x2, y2] that just holds the pixels inside; all 0 for an empty mask. */
export function rleBox({ size: [height, width], counts }: Rle): [number, number, number, number] {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let i = 1, at = counts[0] ?? 0; i < counts.length; i += 2) {
    const length = counts[i]!;
    if (length > 0) {
      const [first, last] = [Math.floor(at / height), Math.floor((at + length - 1) / height)];
      left = Math.min(left, first);
      right = Math.max(right, last + 1);
      const across = last > first; // from one column into the next: it has the lowest and the highest row
      top = across ? 0 : Math.min(top, at % height);
      bottom = across ? height : Math.max(bottom, ((at + length - 1) % height) + 1);
    }
    at += length + (counts[i + 1] ?? 0);
  }
  return right === 0 ? [0, 0, 0, 0] : [left, top, right, bottom];
}

/** Run lengths that grow: runs of ones are added in the order of their places. */
export class Runs {
  readonly #counts: number[] = [];
  #end = 0; // of the last run of ones

  /** The pixels from `from` up to `to` are inside. They lie behind all earlier ones. */
  add(from: number, to: number): void {
    if (to <= from) return;
    if (from === this.#end && this.#counts.length > 0) {
      this.#counts[this.#counts.length - 1]! += to - from;
    } else {
      this.#counts.push(from - this.#end, to - from);
    }
    this.#end = to;
  }

  end(size: Rle['size']): Rle {
    const left = size[0] * size[1] - this.#end;
    if (left > 0 || this.#counts.length === 0) this.#counts.push(left);
    return { size, counts: Uint32Array.from(this.#counts) };
  }
}
