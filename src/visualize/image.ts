import { plural } from '../text/plural.ts';
import type { RgbImage } from './rgb-image.ts';

/** An image: `data` is [channels, height, width] in float32. */
export interface Planes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/**
 * Converts an image of values in [0, 1], clipped, to a picture. One channel (or two) becomes grey; of more than
 * three, the first three are shown. NaN becomes black. Throws a RangeError if the data does not match its shape.
 */
export function toImage(image: Planes): RgbImage {
  checkPlanes(image);
  const { channels, height, width, data } = image;
  const size = height * width;
  const pixels = new Uint8ClampedArray(size * 3); // clips and rounds
  for (let c = 0; c < 3; c++) {
    const plane = channels >= 3 ? c : 0;
    for (let i = 0; i < size; i++) pixels[i * 3 + c] = data[plane * size + i]! * 255;
  }
  return { width, height, data: new Uint8Array(pixels.buffer) };
}

/** A larger fraction of values outside of [0, 1] is more than rounding, so clipping would hide content. */
const CLIPPED = 0.01;
/** Fraction of the values clipped at either end by scaling, for the contrast of the others. */
const TAIL = 0.005;

/**
 * Converts an image of any values to a picture: by `toImage` if they lie in [0, 1], else with all channels scaled by
 * the same factor so that almost all of them do. `scaled` says which, for the label.
 */
export function toShownImage(image: Planes): { readonly picture: RgbImage; readonly scaled: boolean } {
  checkPlanes(image);
  const values = image.data.filter(Number.isFinite).sort();
  const outside = values.reduce((count, x) => count + Number(x < -0.02 || x > 1.02), 0);
  if (!(outside > CLIPPED * values.length)) return { picture: toImage(image), scaled: false };
  const at = (share: number) => values[Math.round(share * (values.length - 1))]!;
  const [low, high] = [at(TAIL), at(1 - TAIL)];
  const width = high > low ? high - low : 1;
  return { picture: toImage({ ...image, data: image.data.map((x) => (x - low) / width) }), scaled: true };
}

/**
 * Paints the removed tokens of a picture grey, to show what the encoder saw. `masked` has one value per patch,
 * row-major in the `grid` [rows, columns] of patches; true or 1 means removed. Throws a RangeError unless the picture
 * is rows · patchSize high and columns · patchSize wide.
 */
export function hideTokens(
  image: RgbImage,
  masked: ArrayLike<boolean | number>,
  grid: readonly [number, number],
  patchSize: number,
): RgbImage {
  const [rows, columns] = grid;
  if (image.height !== rows * patchSize || image.width !== columns * patchSize)
    throw new RangeError(
      `the grid ${rows}x${columns} of ${patchSize}-pixel patches must cover the image, got ${image.height}x${image.width}`,
    );
  if (masked.length !== rows * columns)
    throw new RangeError(
      `there must be a mask value for each of the ${plural(rows * columns, 'patch', 'patches')}, got ${masked.length}`,
    );
  const data = image.data.slice();
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      if (!masked[Math.floor(y / patchSize) * columns + Math.floor(x / patchSize)]) continue;
      data.fill(MASK_GREY, (y * image.width + x) * 3, (y * image.width + x) * 3 + 3);
    }
  }
  return { ...image, data };
}

const MASK_GREY = 128;

export function checkPlanes({ channels, height, width, data }: Planes): void {
  if (channels < 1 || data.length !== channels * height * width)
    throw new RangeError(
      `an image of shape [${channels}, ${height}, ${width}] must hold as many values, got ${data.length}`,
    );
}
