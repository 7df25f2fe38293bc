import type { RawImage } from '../sources/dataset.ts';

/**
 * Writes an image [H, W, C'] as planes [C, H, W] into `out` from `offset` on, mirrored if `flip`.
 * Grey is repeated to three channels; colour becomes grey with the luma weights of ITU-R BT.601, as in PIL. Other numbers of
 * channels must be the image's: see `requireChannels`.
 */
export function writePlanar(
  image: RawImage,
  channels: number,
  flip: boolean,
  out: Uint8Array,
  offset: number,
): void {
  const { width, height, data } = image;
  const plane = width * height;
  if (channels === image.channels && channels !== 3) {
    for (let c = 0; c < channels; c++) writePlane(image, c, flip, out, offset + c * plane);
    return;
  }
  const [green, blue] = image.channels === 3 ? [1, 2] : [0, 0];
  const step = flip ? -image.channels : image.channels;
  let to = offset;
  for (let y = 0; y < height; y++) {
    let from = (y * width + (flip ? width - 1 : 0)) * image.channels;
    for (let x = 0; x < width; x++, to++, from += step) {
      const r = data[from]!;
      const g = data[from + green]!;
      const b = data[from + blue]!;
      if (channels === 3) {
        out[to] = r;
        out[to + plane] = g;
        out[to + 2 * plane] = b;
      } else {
        out[to] = luma(r, g, b);
      }
    }
  }
}

function writePlane(
  { width, height, channels, data }: RawImage,
  channel: number,
  flip: boolean,
  out: Uint8Array,
  offset: number,
): void {
  const step = flip ? -channels : channels;
  let to = offset;
  for (let y = 0; y < height; y++) {
    let from = (y * width + (flip ? width - 1 : 0)) * channels + channel;
    for (let x = 0; x < width; x++, to++, from += step) out[to] = data[from]!;
  }
}

/** The luma of ITU-R BT.601, in PIL's 16-bit fixed point. */
export function luma(r: number, g: number, b: number): number {
  return (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16;
}
