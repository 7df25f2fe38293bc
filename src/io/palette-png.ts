import { encode } from 'fast-png';
import { plural } from '../text/plural.ts';

/** Colours of the classes by their numbers, [red, green, blue] in 0 … 255 each. */
export type Palette = readonly (readonly [red: number, green: number, blue: number])[];

/**
 * Class numbers [height, width] as a PNG with a palette: any viewer shows the colours, and the indices stay in the file.
 * Throws RangeError unless there are height × width numbers, each with a colour.
 */
export function encodePalettePng(
  { width, height, data }: { readonly width: number; readonly height: number; readonly data: Uint8Array },
  palette: Palette,
): Uint8Array {
  if (data.length !== width * height || data.length === 0)
    throw new RangeError(
      `a mask must have height × width values, got ${height}x${width} and ${plural(data.length, 'value')}`,
    );
  const largest = data.reduce((a, b) => Math.max(a, b), 0);
  if (palette.length > 256 || largest >= palette.length)
    throw new RangeError(
      `a palette must have a colour for each of at most 256 values, got ${palette.length} colours and the value ${largest}`,
    );
  return encode({
    width,
    height,
    data,
    channels: 1,
    depth: 8,
    palette: palette.map((colour) => [...colour]),
  });
}

/**
 * The colours of PASCAL VOC's colour map: class n has bits 0, 3, 6 … of n as the highest bits of red, 1, 4, 7 … of green, and 2, 5, 8 …
 * of blue. 0 is black, 255 a light grey.
 */
export function vocPalette(count = 256): Palette {
  const channel = (n: number, first: number) =>
    [0, 1, 2].reduce((sum, i) => sum | (((n >> (first + 3 * i)) & 1) << (7 - i)), 0);
  return Array.from({ length: count }, (_, n) => [channel(n, 0), channel(n, 1), channel(n, 2)]);
}
