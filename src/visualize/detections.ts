import { decodeRle, type Rle } from '../detect/rle.ts';
import { type GridRow, renderGrid } from './grid.ts';
import { checkImage, fitImage, type RgbImage } from './rgb-image.ts';
import { drawText } from './text.ts';

/** An object in a picture. */
export interface DrawnObject {
  /** [x1, y1, x2, y2] in pixels. */
  readonly box: readonly [x1: number, y1: number, x2: number, y2: number];
  /** Index into the classes. */
  readonly class: number;
  /** In [0, 1]; shown in percent behind the class. */
  readonly score?: number | undefined;
  readonly mask?: Rle | undefined;
}

/** A picture with the objects that are in it, where they are known, and the found ones. */
export interface DetectedPicture {
  readonly image: RgbImage;
  readonly truth?: readonly DrawnObject[] | undefined;
  readonly found: readonly DrawnObject[];
  readonly title?: string;
}

/** Colours that are easy to distinguish on pictures. */
const COLOURS = [
  [230, 57, 70],
  [29, 132, 255],
  [42, 191, 94],
  [255, 176, 0],
  [177, 72, 222],
  [0, 190, 196],
  [255, 112, 67],
  [130, 177, 30],
  [255, 99, 178],
  [92, 107, 192],
] as const;
const SHARE = 0.45; // of the colour of a mask
const LINE = 2;
const TEXT = 12;
const SIDE = 480;

/**
 * A picture with boxes, masks, names of classes and scores drawn over it. One of fewer than `side` pixels is enlarged to at least that, so
 * that lines and names are legible. Colours are those of classes; where there is one class,
 * each object has another colour, and no name.
 * Throws RangeError for a mask of another size than the picture.
 */
export async function drawObjects(
  image: RgbImage,
  objects: readonly DrawnObject[],
  classes: readonly string[],
  side = SIDE,
): Promise<RgbImage> {
  checkImage(image);
  const longer = Math.max(image.width, image.height);
  const large = longer < side ? await fitImage(image, side) : image;
  const canvas = { ...large, data: Uint8Array.from(large.data) };
  const zoom = canvas.width / image.width;
  const several = classes.length !== 1;
  const drawn = objects.map((each, i) => ({
    ...each,
    colour: COLOURS[(several ? each.class : i) % COLOURS.length]!,
  }));
  for (const { mask, colour } of drawn) if (mask) tint(canvas, image, mask, zoom, colour);
  for (const { box, colour } of drawn)
    frame(
      canvas,
      box.map((edge) => edge * zoom),
      colour,
    );
  // The surest name is drawn last, above all others.
  for (const { box, colour, score, class: of } of drawn.toSorted((a, b) => (a.score ?? 1) - (b.score ?? 1))) {
    const percent = score === undefined ? [] : [`${Math.round(100 * score)} %`];
    const words = [...(several ? [classes[of] ?? String(of)] : []), ...percent].join(' ');
    if (words === '') continue;
    const text = await drawText(words, { size: TEXT });
    label(canvas, text, box[0] * zoom, box[1] * zoom, colour);
  }
  return canvas;
}

/**
 * Draws pictures, the objects that are in them where they are known, and the found ones, as a table in a PNG. Throws RangeError as
 * `drawObjects`, and without a picture.
 */
export async function renderDetections({
  pictures,
  classes,
  cellSize = SIDE,
}: {
  readonly pictures: readonly DetectedPicture[];
  readonly classes: readonly string[];
  /** Longer side of a picture in pixels. Default: 480. */
  readonly cellSize?: number;
}): Promise<Buffer> {
  const withTruth = pictures.some(({ truth }) => truth);
  const rows = await Promise.all(
    pictures.map(async ({ image, truth, found }): Promise<GridRow> => {
      const shown = (objects: readonly DrawnObject[]) => drawObjects(image, objects, classes, cellSize);
      return [...(withTruth ? [truth && (await shown(truth))] : []), await shown(found)];
    }),
  );
  return renderGrid({
    rows,
    columnTitles: [...(withTruth ? ['truth'] : []), 'found'],
    ...(pictures.some(({ title }) => title) && { rowTitles: pictures.map(({ title = '' }) => title) }),
    cellSize,
  });
}

type Colour = readonly [number, number, number];

/** Mixes a colour into the pixels of a mask, and draws its edge. */
function tint(canvas: RgbImage, { width, height }: RgbImage, mask: Rle, zoom: number, colour: Colour): void {
  if (mask.size[0] !== height || mask.size[1] !== width)
    throw new RangeError(
      `a mask must have its picture's size, ${height} × ${width}, got ${mask.size.join(' × ')}`,
    );
  const inside = decodeRle(mask);
  const at = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < canvas.width && y < canvas.height
      ? inside[
          Math.min(height - 1, Math.floor(y / zoom)) * width + Math.min(width - 1, Math.floor(x / zoom))
        ]!
      : 0;
  for (let y = 0, to = 0; y < canvas.height; y++)
    for (let x = 0; x < canvas.width; x++, to += 3) {
      if (!at(x, y)) continue;
      const edge = !(at(x - 1, y) && at(x + 1, y) && at(x, y - 1) && at(x, y + 1));
      mix(canvas, to, colour, edge ? 1 : SHARE);
    }
}

function frame(canvas: RgbImage, edges: readonly number[], colour: Colour): void {
  const [x1, y1, x2, y2] = edges.map(Math.round) as [number, number, number, number];
  fill(canvas, x1, y1, x2, y1 + LINE, colour);
  fill(canvas, x1, y2 - LINE, x2, y2, colour);
  fill(canvas, x1, y1, x1 + LINE, y2, colour);
  fill(canvas, x2 - LINE, y1, x2, y2, colour);
}

/** Writes white text on a colour above a box, or in it where there is no room above. */
function label(canvas: RgbImage, text: RgbImage, x: number, y: number, colour: Colour): void {
  const [width, height] = [text.width + 6, text.height + 2];
  const left = Math.max(0, Math.min(Math.round(x), canvas.width - width));
  const above = Math.round(y) - height;
  const top = above >= 0 ? above : Math.max(0, Math.min(Math.round(y), canvas.height - height));
  fill(canvas, left, top, left + width, top + height, colour);
  for (let row = 0; row < text.height; row++)
    for (let column = 0; column < text.width; column++) {
      const [px, py] = [left + 3 + column, top + 1 + row];
      if (px >= canvas.width || py >= canvas.height) continue;
      const ink = 1 - text.data[3 * (row * text.width + column)]! / 255;
      mix(canvas, 3 * (py * canvas.width + px), WHITE, ink);
    }
}

const WHITE: Colour = [255, 255, 255];

function fill(canvas: RgbImage, x1: number, y1: number, x2: number, y2: number, colour: Colour): void {
  const [left, right] = [Math.max(0, x1), Math.min(canvas.width, x2)];
  for (let y = Math.max(0, y1); y < Math.min(canvas.height, y2); y++)
    for (let x = left; x < right; x++) canvas.data.set(colour, 3 * (y * canvas.width + x));
}

function mix(canvas: RgbImage, at: number, colour: Colour, share: number): void {
  for (let c = 0; c < 3; c++)
    canvas.data[at + c] = Math.round(share * colour[c]! + (1 - share) * canvas.data[at + c]!);
}
