import { plural } from '../text/plural.ts';
import { blankImage, type RgbImage } from './rgb-image.ts';

type Grid = readonly [rows: number, columns: number];

/** The colour map viridis of Matplotlib (CC0) in nine steps, from 0 to 1. */
const VIRIDIS = [
  ...[68, 1, 84],
  ...[71, 44, 122],
  ...[59, 81, 139],
  ...[44, 113, 142],
  ...[33, 144, 141],
  ...[39, 173, 129],
  ...[92, 200, 99],
  ...[170, 220, 50],
  ...[253, 231, 37],
];
/** Share of the colour map over a picture. */
const OVER = 0.7;
const MARK = [230, 30, 30];

/** A picture of patches of one colour each. @param colours [rows · columns, 3] in 0 … 255 @param side of a patch in pixels */
export function colourPatches(colours: Uint8Array, [rows, columns]: Grid, side: number): RgbImage {
  requirePatches(colours.length / 3, [rows, columns]);
  const image = blankImage(columns * side, rows * side);
  for (let i = 0; i < image.data.length; i++) {
    const [y, x] = [Math.floor(i / (3 * image.width)), Math.floor(i / 3) % image.width];
    image.data[i] = colours[3 * (Math.floor(y / side) * columns + Math.floor(x / side)) + (i % 3)]!;
  }
  return image;
}

/** A grey picture under the colours of one value per patch: dark blue is 0, yellow is `most`. @param values [rows · columns] */
export function heatPatches(
  image: RgbImage,
  values: ArrayLike<number>,
  grid: Grid,
  side: number,
  most: number,
): RgbImage {
  requirePatches(values.length, grid);
  const colours = Uint8Array.from({ length: 3 * values.length }, (_, i) =>
    viridis(most > 0 ? values[Math.floor(i / 3)]! / most : 0, i % 3),
  );
  const heat = colourPatches(colours, grid, side);
  const data = heat.data.map((value, i) => {
    const pixel = 3 * Math.floor(i / 3);
    const [r, g, b] = image.data.subarray(pixel, pixel + 3) as unknown as [number, number, number];
    return OVER * value + (1 - OVER) * (0.299 * r + 0.587 * g + 0.114 * b); // ITU-R BT.601
  });
  return { ...image, data };
}

/** A picture with a red frame along the inner edge of one patch. */
export function markPatch(image: RgbImage, [row, column]: Grid, side: number): RgbImage {
  const data = image.data.slice();
  const thick = Math.max(1, Math.floor(side / 8));
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const edge = Math.min(x, y, side - 1 - x, side - 1 - y);
      if (edge < thick) data.set(MARK, 3 * ((row * side + y) * image.width + column * side + x));
    }
  return { ...image, data };
}

function viridis(value: number, channel: number): number {
  const last = VIRIDIS.length / 3 - 1;
  const place = Math.min(1, Math.max(0, value)) * last;
  const first = Math.min(last - 1, Math.floor(place));
  const [a, b] = [VIRIDIS[3 * first + channel]!, VIRIDIS[3 * (first + 1) + channel]!];
  return Math.round(a + (place - first) * (b - a));
}

function requirePatches(count: number, [rows, columns]: Grid): void {
  if (count !== rows * columns)
    throw new RangeError(
      `there must be a value for each of the ${plural(rows * columns, 'patch', 'patches')}, got ${count}`,
    );
}
