import { plural } from '../text/plural.ts';
import { type GridRow, renderGrid } from './grid.ts';
import { blankImage, checkImage, fromPng, paste, type RgbImage, toPng } from './rgb-image.ts';
import { drawText } from './text.ts';

/** A colour, [red, green, blue] in 0 … 255. */
type Colour = readonly [red: number, green: number, blue: number];

/** A picture with the classes of its pixels, [height, width] each; pixels of no class have a number without a colour, as 255. */
export interface LabelledPicture {
  readonly image: RgbImage;
  readonly truth?: Uint8Array | undefined;
  readonly predicted: Uint8Array;
  readonly title?: string;
}

export interface SegmentationOptions {
  readonly pictures: readonly LabelledPicture[];
  readonly classes: readonly string[];
  readonly colours: readonly Colour[];
  /** Longer side of a picture in pixels. Default: see `renderGrid`. */
  readonly cellSize?: number;
}

const NO_CLASS: Colour = [224, 224, 192];
const SHARE = 0.55;
const SWATCH = 12;
const LINE = 20;
const MARGIN = 16;

/** Class numbers as a picture in the colours of the classes. */
export function colourLabels(
  labels: Uint8Array,
  { width, height }: Pick<RgbImage, 'width' | 'height'>,
  colours: readonly Colour[],
): RgbImage {
  if (labels.length !== width * height)
    throw new RangeError(
      `labels must have ${height}x${width} values, as the picture has pixels, got ${labels.length}`,
    );
  const data = new Uint8Array(3 * labels.length);
  for (const [i, label] of labels.entries()) data.set(colours[label] ?? NO_CLASS, 3 * i);
  return { width, height, data };
}

/** A picture with the colours of the classes over it. @param share of the colours, the picture keeps the rest */
export function overlayLabels(
  image: RgbImage,
  labels: Uint8Array,
  colours: readonly Colour[],
  share = SHARE,
): RgbImage {
  checkImage(image);
  const { data } = colourLabels(labels, image, colours);
  return { ...image, data: data.map((value, i) => Math.round(share * value + (1 - share) * image.data[i]!)) };
}

/**
 * Draws pictures, the truth where there is one, the prediction and the prediction over the picture, with a legend of the classes that occur,
 * as a PNG. Throws RangeError where sizes differ, and without a picture.
 */
export async function renderSegmentation(options: SegmentationOptions): Promise<Buffer> {
  const { pictures, classes, colours, cellSize } = options;
  if (colours.length < classes.length)
    throw new RangeError(
      `there must be a colour for each of the ${plural(classes.length, 'class', 'classes')}, got ${colours.length}`,
    );
  const withTruth = pictures.some(({ truth }) => truth);
  const rows = pictures.map(({ image, truth, predicted }): GridRow => {
    checkImage(image);
    const shown = (labels: Uint8Array) => colourLabels(labels, image, colours);
    return [
      image,
      ...(withTruth ? [truth && shown(truth)] : []),
      shown(predicted),
      overlayLabels(image, predicted, colours),
    ];
  });
  const grid = await renderGrid({
    rows,
    columnTitles: ['image', ...(withTruth ? ['truth'] : []), 'prediction', 'overlay'],
    ...(pictures.some(({ title }) => title) && { rowTitles: pictures.map(({ title = '' }) => title) }),
    ...(cellSize !== undefined && { cellSize }),
  });
  const seen = new Set(
    pictures.flatMap(({ truth, predicted }) => [...new Set(predicted), ...new Set(truth)]),
  );
  return withLegend(await fromPng(grid), [
    ...classes.flatMap((name, k) => (seen.has(k) ? [{ name, colour: colours[k]! }] : [])),
    ...([...seen].some((k) => k >= classes.length) ? [{ name: '(no class)', colour: NO_CLASS }] : []),
  ]);
}

async function withLegend(
  picture: RgbImage,
  entries: readonly { readonly name: string; readonly colour: Colour }[],
): Promise<Buffer> {
  const labels = await Promise.all(
    entries.map(async ({ name, colour }) => ({ colour, text: await drawText(name, { size: 12, ink: 34 }) })),
  );
  const places: { x: number; y: number }[] = [];
  let [x, y] = [MARGIN, picture.height];
  for (const { text } of labels) {
    const width = SWATCH + 6 + text.width + MARGIN;
    if (x > MARGIN && x + width > picture.width) [x, y] = [MARGIN, y + LINE];
    places.push({ x, y });
    x += width;
  }
  const width = Math.max(picture.width, ...labels.map(({ text }) => 2 * MARGIN + SWATCH + 6 + text.width));
  const canvas = blankImage(width, y + LINE + MARGIN / 2);
  paste(canvas, picture, 0, 0);
  for (const [i, { colour, text }] of labels.entries()) {
    const { x, y } = places[i]!;
    const swatch = blankImage(SWATCH, SWATCH, 96);
    const inner = colourLabels(new Uint8Array((SWATCH - 2) ** 2), { width: SWATCH - 2, height: SWATCH - 2 }, [
      colour,
    ]);
    paste(swatch, inner, 1, 1);
    paste(canvas, swatch, x, y + 2);
    paste(canvas, text, x + SWATCH + 6, y + SWATCH + 4 - text.height + 2);
  }
  return toPng(canvas);
}
