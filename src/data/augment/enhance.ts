import { luma } from '../decode/planar.ts';
import type { RawImage } from '../sources/dataset.ts';

/**
 * PIL's ImageEnhance: the image is mixed with a dull version of itself. Factor 1 leaves it as it is, 0 gives the dull
 * version, more than 1 goes the other way.
 */

/** Against the grey image; a grey image stays as it is. */
export function colour(image: RawImage, factor: number): RawImage {
  if (image.channels === 1) return image;
  const { data } = image;
  const grey = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) grey.fill(luma(data[i]!, data[i + 1]!, data[i + 2]!), i, i + 3);
  return blend(grey, image, factor);
}

/** Against the mean of the grey image. */
export function contrast(image: RawImage, factor: number): RawImage {
  const { data, channels } = image;
  let sum = 0;
  for (let i = 0; i < data.length; i += channels)
    sum += channels === 1 ? data[i]! : luma(data[i]!, data[i + 1]!, data[i + 2]!);
  const mean = Math.floor((sum * channels) / data.length + 0.5);
  return blend(new Uint8Array(data.length).fill(mean), image, factor);
}

/** Against black. */
export function brightness(image: RawImage, factor: number): RawImage {
  return blend(new Uint8Array(image.data.length), image, factor);
}

/** Against the image smoothed with the weights 1 and, in the middle, 5 of 3 × 3; its border is not smoothed. */
export function sharpness(image: RawImage, factor: number): RawImage {
  const { width, height, channels, data } = image;
  const smooth = data.slice();
  const line = width * channels;
  for (let y = 1; y < height - 1; y++)
    for (let i = y * line + channels; i < (y + 1) * line - channels; i++) {
      let sum = 4 * data[i]!;
      for (let from = i - line; from <= i + line; from += line)
        sum += data[from - channels]! + data[from]! + data[from + channels]!;
      smooth[i] = Math.floor((2 * sum + 13) / 26); // rounded; sum / 13 never ends in ½
    }
  return blend(smooth, image, factor);
}

/** dull + factor · (image − dull) in float32, cut off to a byte, as PIL's Image.blend. */
function blend(dull: Uint8Array, image: RawImage, factor: number): RawImage {
  if (factor === 1) return image;
  const alpha = Math.fround(factor);
  const out = image.data.map((v, i) => {
    const d = dull[i]!;
    return Math.max(0, Math.min(Math.fround(d + Math.fround(alpha * (v - d))), 255));
  });
  return { ...image, data: out };
}
