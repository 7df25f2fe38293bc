import { oneLine } from '../text/one-line.ts';
import { plural } from '../text/plural.ts';
import { type Box, outlined } from './outline.ts';
import { blankImage, checkImage, fitImage, paste, type RgbImage, toPng } from './rgb-image.ts';
import { drawText } from './text.ts';

/** A picture, and a box that is drawn over it. */
export type GridCell = RgbImage & { readonly box?: Box | undefined };

/** One picture per column; undefined leaves the cell empty. */
export type GridRow = readonly (GridCell | undefined)[];

export interface GridOptions {
  readonly rows: readonly GridRow[];
  readonly columnTitles: readonly string[];
  /** One title per row, to its left, on one line. A long title is cut in the middle. */
  readonly rowTitles?: readonly string[];
  /** A line below each picture, in the order of `rows`. */
  readonly cellTitles?: readonly (readonly string[])[];
  /** Text below the grid; wraps. */
  readonly caption?: string;
  /**
   * Longer side of a picture in pixels: smaller pictures are enlarged by an integer factor to at least this size,
   * larger ones are reduced to it. Default: the longest side among the pictures, limited to 128–160.
   */
  readonly cellSize?: number;
}

const MARGIN = 16;
const GAP = 8;
const TITLE = { size: 13, bold: true, ink: 34, align: 'centre' } as const;
const CELL_TITLE = { size: 12, ink: 34 } as const;
const ROW_TITLE = { size: 12, align: 'right', ink: 34 } as const;
/** Maximum width of a row's title in pixels. */
const ROW_TITLE_WIDTH = 190;
const CAPTION = { size: 12, breakWords: true, ink: 96 } as const;
const NARROWEST_CAPTION = 360;
const FRAME = 208;

/**
 * Draws pictures as a table on white, with titles above the columns. Returns a PNG file. Throws a RangeError if there
 * is no picture, or if the numbers of titles and cells differ.
 */
export async function renderGrid(options: GridOptions): Promise<Buffer> {
  const { rows, columnTitles, rowTitles, caption } = options;
  checkGrid(options);
  const images = rows.flat().filter((image) => image !== undefined);
  const longest = Math.max(...images.map(({ width, height }) => Math.max(width, height)));
  const cellSize = options.cellSize ?? Math.min(160, Math.max(128, longest));
  const cells = await Promise.all(
    rows.map((row) => Promise.all(row.map((cell) => cell && fitCell(cell, cellSize)))),
  );
  const heads = await Promise.all(
    columnTitles.map((title) => label(unbroken(title), { ...TITLE, width: cellSize })),
  );
  const widths = heads.map((head, c) =>
    Math.max(cellSize, head?.width ?? 0, ...cells.map((row) => row[c]?.width ?? 0)),
  );
  const feet = await Promise.all(
    (options.cellTitles ?? []).map((row) =>
      Promise.all(row.map((title) => label(oneLine(title), CELL_TITLE))),
    ),
  );
  const pictures = cells.map((row) => Math.max(...row.map((cell) => cell?.height ?? 0)));
  const heights = pictures.map(
    (height, r) => height + Math.max(0, ...(feet[r] ?? []).map((foot) => (foot ? foot.height + GAP / 2 : 0))),
  );
  const sides = await Promise.all((rowTitles ?? []).map((title) => rowLabel(oneLine(title))));
  const headHeight = Math.max(...heads.map((head) => (head ? head.height + GAP : 0)));
  const sideWidth = Math.max(0, ...sides.map((side) => (side ? side.width + GAP : 0)));
  const gridWidth = sideWidth + total(widths);
  const foot = caption
    ? await label(caption, { ...CAPTION, width: Math.max(gridWidth, NARROWEST_CAPTION) })
    : undefined;

  const innerWidth = Math.max(gridWidth, foot?.width ?? 0);
  const footHeight = foot ? foot.height + GAP + GAP / 2 : 0;
  const canvas = blankImage(innerWidth + 2 * MARGIN, headHeight + total(heights) + footHeight + 2 * MARGIN);
  const gridLeft = MARGIN + Math.floor((innerWidth - gridWidth) / 2);
  const place = (image: RgbImage | undefined, left: number, top: number) => {
    if (image) paste(canvas, image, Math.round(left), Math.round(top));
  };

  let top = MARGIN + headHeight;
  for (const [r, row] of cells.entries()) {
    const height = heights[r]!;
    const side = sides[r];
    if (side) place(side, gridLeft + sideWidth - GAP - side.width, top + (pictures[r]! - side.height) / 2);
    let left = gridLeft + sideWidth;
    for (const [c, cell] of row.entries()) {
      const width = widths[c]!;
      const head = heads[c];
      if (r === 0 && head)
        place(head, left + (width - head.width) / 2, MARGIN + headHeight - GAP - head.height);
      if (cell)
        place(framed(cell), left + (width - cell.width) / 2 - 1, top + (pictures[r]! - cell.height) / 2 - 1);
      const foot = feet[r]?.[c];
      if (foot) place(foot, left + (width - foot.width) / 2, top + height - foot.height);
      left += width + GAP;
    }
    top += height + GAP;
  }
  if (foot)
    place(foot, Math.min(gridLeft, canvas.width - MARGIN - foot.width), canvas.height - MARGIN - foot.height);
  return toPng(canvas);
}

/** The picture of a cell as it is shown, with its box. */
async function fitCell({ box, ...image }: GridCell, side: number): Promise<RgbImage> {
  const fitted = await fitImage(image, side);
  if (!box) return fitted;
  const [down, across] = [fitted.height / image.height, fitted.width / image.width];
  return outlined(fitted, {
    ...{ top: box.top * down, bottom: box.bottom * down },
    ...{ left: box.left * across, right: box.right * across },
  });
}

/** A picture in a thin grey line, which shows where a white one ends. */
function framed(image: RgbImage): RgbImage {
  const frame = blankImage(image.width + 2, image.height + 2, FRAME);
  paste(frame, image, 1, 1);
  return frame;
}

/** Total of sizes next to each other with gaps between them. */
function total(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0) + GAP * (sizes.length - 1);
}

async function label(text: string, style: Parameters<typeof drawText>[1]): Promise<RgbImage | undefined> {
  return text.trim() === '' ? undefined : drawText(text, style);
}

/** Draws a row's title, cut in the middle if it is too wide. */
async function rowLabel(text: string): Promise<RgbImage | undefined> {
  const whole = await label(text, ROW_TITLE);
  if (!whole || whole.width <= ROW_TITLE_WIDTH) return whole;
  const letters = [...text];
  for (let kept = Math.floor((letters.length * ROW_TITLE_WIDTH) / whole.width); kept > 2; kept--) {
    const end = Math.floor(kept / 2);
    const shorter = [...letters.slice(0, kept - end), '…', ...letters.slice(-end)].join('');
    const drawn = await drawText(shorter, ROW_TITLE);
    if (drawn.width <= ROW_TITLE_WIDTH) return drawn;
  }
  return whole;
}

/** A name that may wrap after a plus sign, but not at a hyphen. */
function unbroken(title: string): string {
  return title.replaceAll('-', '\u2011').replaceAll('+', '+\u200B');
}

function checkGrid({ rows, columnTitles, rowTitles, cellSize }: GridOptions): void {
  for (const row of rows) {
    if (row.length !== columnTitles.length)
      throw new RangeError(
        `each row must have a cell for each of the ${plural(columnTitles.length, 'column')}, got ${row.length}`,
      );
    for (const image of row) if (image) checkImage(image);
  }
  if (!rows.some((row) => row.some((image) => image)))
    throw new RangeError('a grid must hold a picture, got none');
  if (rowTitles && rowTitles.length !== rows.length)
    throw new RangeError(
      `there must be a title for each of the ${plural(rows.length, 'row')}, got ${rowTitles.length}`,
    );
  if (cellSize !== undefined && !(Number.isInteger(cellSize) && cellSize >= 1 && cellSize <= 4096))
    throw new RangeError(`cell size must be a whole number of pixels in 1..4096, got ${cellSize}`);
}
