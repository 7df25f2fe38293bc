import { centreCrop } from './data/decode/crop.ts';
import type { BrokenImages } from './data/load/broken.ts';
import { evaluationBatches } from './data/load/loader.ts';
import type { Dataset } from './data/sources/dataset.ts';
import type { Engine, Session } from './engines/engine.ts';
import { cast, input, program, type Values } from './graph/index.ts';
import type { Normalisation } from './image/normalise.ts';
import { type Geometry, patchGrid } from './image/size.ts';
import { visibleTokens } from './nn/masking.ts';
import { fromPicture, toPicture } from './nn/normalise.ts';
import { drawBatch, drawInputs, drawName } from './tasks/draws.ts';
import { maskRatioOf } from './tasks/fit.ts';
import { plain } from './tasks/plain.ts';
import { shownShare } from './tasks/shown.ts';
import type { PretextTask } from './tasks/task.ts';
import { renderGrid } from './visualize/grid.ts';
import { hideTokens, toShownImage } from './visualize/image.ts';
import { type Box, coveredBox } from './visualize/outline.ts';
import { columnTitle, shortNames } from './visualize/titles.ts';

export interface PreviewOptions extends Normalisation {
  readonly engine: Engine;
  readonly tasks: readonly PretextTask[];
  /** Size of the pictures, side of the patches and number of channels. */
  readonly geometry: Geometry;
  /** Share of the tokens that masking removes. Default: the task's own, mostly 0.75. */
  readonly maskRatio?: number | undefined;
  readonly seed?: number | undefined;
  readonly broken?: BrokenImages | undefined;
}

/**
 * Draws every image of a (small) data set that can be read, as it is and as each task degrades it: the paper's first figure, a PNG
 * file. Removed tokens are grey; what goes beyond black and white, as the blurred task does, is scaled, and its title says so. A line in the
 * original shows the part that a zoomed-in view shows. No model takes part. Throws RangeError where a task does not fit the geometry.
 */
export async function preview(images: Dataset, options: PreviewOptions): Promise<Buffer> {
  const session = await options.engine.open({});
  const tasks = [plain, ...options.tasks];
  const columns: (Shown | undefined)[][] = [];
  try {
    for (const task of tasks) columns.push(await column(images, task, session, options));
  } finally {
    await session.dispose();
  }
  const readable = Array.from({ length: images.length }, (_, i) => i).filter((i) => columns[0]![i]);
  return renderGrid({
    rows: readable.map((row) => {
      const [original, ...degraded] = columns.map((cells) => cells[row]);
      const box = degraded.find((cell) => cell?.box)?.box;
      return [original && { ...original.picture, box }, ...degraded.map((cell) => cell?.picture)];
    }),
    rowTitles: shortNames(readable.map((i) => images.id(i))),
    columnTitles: columns.map((cells, i) =>
      columnTitle(
        i === 0 ? 'original' : tasks[i]!.name,
        cells.some((cell) => cell?.scaled),
      ),
    ),
  });
}

/** A degraded image, and the part that it shows of the predicted picture, if not all of it. */
type Shown = ReturnType<typeof toShownImage> & { readonly box: Box | undefined };

/** One picture of each image, undefined where it cannot be read. */
async function column(
  images: Dataset,
  task: PretextTask,
  session: Session,
  { geometry, mean, std, maskRatio = maskRatioOf(task), seed = 0, broken }: PreviewOptions,
): Promise<(Shown | undefined)[]> {
  const { image, channels, patch } = geometry;
  const view = task.view(image);
  const batchSize = Math.min(images.length, 8);
  const context = { ...geometry, target: 'none', mean, std } as const;
  const normalised = fromPicture(
    cast(input('view', [batchSize, channels, ...view], 'u8'), 'f32'),
    context,
    1 / 255,
  );
  const draws = drawInputs(task, geometry, batchSize);
  const degraded = task.degrade(normalised, draws, context);
  const shownPart = shownShare(task, degraded, draws, context);
  const degrade = program(task.name, {
    degraded: toPicture(degraded, context),
    ...(shownPart && { shown: shownPart }),
  });
  const cells: (Shown | undefined)[] = [];
  const views = evaluationBatches(images, {
    batchSize,
    size: view,
    seed,
    channels: channels,
    crop: centreCrop(1),
    ...(broken && { broken }),
  });
  for await (const batch of views) {
    const inputs: Values = { view: batch.view, ...drawBatch(task, geometry, batch.rngs) };
    const values = await session.run(degrade, inputs);
    const pictures = values.degraded as Float32Array;
    const [height, width] = image;
    const size = channels * height * width;
    const order = inputs[drawName('order')];
    batch.weights.forEach((weight, i) => {
      if (cells.length === images.length) return;
      const data = pictures.subarray(i * size, (i + 1) * size);
      const { picture, scaled } = toShownImage({ channels, height, width, data });
      const box = values.shown && coveredBox(values.shown.subarray(i * height * width), height, width);
      const masked = task.mask ? removed(order!, i, geometry, maskRatio) : undefined;
      const shown = masked ? hideTokens(picture, masked, patchGrid(geometry), patch) : picture;
      cells.push(weight > 0 ? { picture: shown, scaled, box } : undefined);
    });
  }
  return cells;
}

/** Which tokens of image `i` an order removes: all after the first ones. */
function removed(order: Values[string], i: number, geometry: Geometry, maskRatio: number): Uint8Array {
  const [rows, columns] = patchGrid(geometry);
  const tokens = rows * columns;
  const mask = new Uint8Array(tokens);
  for (let k = visibleTokens(tokens, maskRatio); k < tokens; k++) mask[order![i * tokens + k]!] = 1;
  return mask;
}
