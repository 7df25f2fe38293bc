import type { RawImage } from '../sources/dataset.ts';

/** A stored image upright, by its orientation as in EXIF and TIFF 6.0: 1 … 8, and 1 for any other value. */
export function oriented(image: RawImage, orientation: number): RawImage {
  if (!(orientation > 1 && orientation <= 8)) return image;
  const { channels, data } = image;
  const across = orientation > 4; // rows become columns
  const width = across ? image.height : image.width;
  const height = across ? image.width : image.height;
  const right = [2, 3, 7, 8].includes(orientation); // the stored picture is read from its right end
  const bottom = [3, 4, 6, 7].includes(orientation);
  const out = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const column = across ? y : x;
      const row = across ? x : y;
      const from =
        (bottom ? image.height - 1 - row : row) * image.width + (right ? image.width - 1 - column : column);
      for (let c = 0; c < channels; c++, to++) out[to] = data[from * channels + c]!;
    }
  return { width, height, channels, data: out };
}
