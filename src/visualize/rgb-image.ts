import sharp from 'sharp';

/** A picture: `data` is [height, width, 3] in uint8, red first. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Throws a RangeError unless the data has height × width × 3 values. */
export function checkImage({ width, height, data }: RgbImage): void {
  if (!(width >= 1 && height >= 1) || data.length !== width * height * 3)
    throw new RangeError(
      `an RGB image must hold height × width × 3 values, got ${height}x${width} and ${data.length}`,
    );
}

/** A grey picture, white by default. */
export function blankImage(width: number, height: number, level = 255): RgbImage {
  return { width, height, data: new Uint8Array(width * height * 3).fill(level) };
}

/**
 * Fits a picture for viewing. One smaller than `side` is enlarged by an integer factor to at least `side` with sharp
 * pixels; a larger one is reduced to `side` (Lanczos). `side` is the longer side in pixels.
 */
export async function fitImage(image: RgbImage, side: number): Promise<RgbImage> {
  const longer = Math.max(image.width, image.height);
  if (longer <= side) return enlarge(image, Math.ceil(side / longer));
  const width = Math.max(1, Math.round((image.width * side) / longer));
  const height = Math.max(1, Math.round((image.height * side) / longer));
  const raw = { width: image.width, height: image.height, channels: 3 } as const;
  const data = await sharp(image.data, { raw })
    .resize(width, height, { fit: 'fill', kernel: 'lanczos3' })
    .raw()
    .toBuffer();
  return { width, height, data };
}

/** Copies `image` onto `canvas` with its upper left corner at (left, top). It must lie inside. */
export function paste(canvas: RgbImage, image: RgbImage, left: number, top: number): void {
  for (let y = 0; y < image.height; y++) {
    const row = image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3);
    canvas.data.set(row, ((top + y) * canvas.width + left) * 3);
  }
}

export function toPng({ data, width, height }: RgbImage): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** The picture of a PNG file, without its alpha. */
export async function fromPng(png: Uint8Array): Promise<RgbImage> {
  const { data, info } = await sharp(png)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

function enlarge(image: RgbImage, factor: number): RgbImage {
  if (factor === 1) return image;
  const large = blankImage(image.width * factor, image.height * factor);
  for (let y = 0; y < large.height; y++) {
    for (let x = 0; x < large.width; x++) {
      const from = (Math.floor(y / factor) * image.width + Math.floor(x / factor)) * 3;
      large.data.set(image.data.subarray(from, from + 3), (y * large.width + x) * 3);
    }
  }
  return large;
}
