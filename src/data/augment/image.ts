import { luma } from '../decode/planar.ts';
import type { RawImage } from '../sources/dataset.ts';

/** The image with this number of channels, mirrored if `flip`: grey is repeated, colour becomes grey by its luma. */
export function upright(image: RawImage, channels: number, flip: boolean): RawImage {
  const { width, height, data } = image;
  const have = image.channels;
  if (have === channels && !flip) return image;
  const out = new Uint8Array(width * height * channels);
  const step = flip ? -have : have;
  for (let y = 0, to = 0; y < height; y++) {
    let from = (y * width + (flip ? width - 1 : 0)) * have;
    for (let x = 0; x < width; x++, from += step)
      if (channels === have) for (let c = 0; c < channels; c++) out[to++] = data[from + c]!;
      else if (channels === 3) for (let c = 0; c < channels; c++) out[to++] = data[from]!;
      else out[to++] = luma(data[from]!, data[from + 1]!, data[from + 2]!);
  }
  return { width, height, channels, data: out };
}
