import type { Dataset } from '../data/sources/dataset.ts';
import type { Session } from '../engines/engine.ts';
import { patchGrid } from '../image/size.ts';
import { targetOf } from '../nn/targets/table.ts';
import type { Setup, ViewOptions } from '../run/setup-pretrain.ts';
import { type GridRow, renderGrid } from '../visualize/grid.ts';
import { hideTokens, toImage, toShownImage } from '../visualize/image.ts';
import { coveredBox } from '../visualize/outline.ts';
import { columnTitle, shortNames } from '../visualize/titles.ts';

const reconstructions = [{ name: 'reconstruction', title: 'reconstruction' }];
const givenColumns = [
  { name: 'withStatistics', title: 'with true means' },
  { name: 'statistics', title: 'true means alone' },
];

/**
 * Draws the original, the encoder's input and the reconstruction of each image of a data set, as a PNG file.
 * The original is the image that the model is to predict; a line shows the part that a zoomed-in view shows of it. For normalised patches, the reconstruction takes mean and standard
 * deviation from the patches that the encoder sees, and the caption says so. Targets other than pixels have no reconstruction.
 * @param options.given two more columns: the reconstruction by the statistics of the original's patches, as published pictures have it, and what
 * these alone show, without a model; none for targets that need no statistics
 */
export async function reconstructionGrid(
  session: Session,
  setup: Setup,
  dataset: Dataset,
  options: Pick<ViewOptions, 'broken'> & {
    readonly title: string;
    readonly given?: boolean | undefined;
    readonly signal?: AbortSignal;
  },
): Promise<Buffer> {
  const { model } = setup;
  const { explanation, summary } = targetOf(model.target);
  const batchSize = Math.min(dataset.length, 16);
  const { reconstruct } = setup.programs(batchSize);
  const rows: GridRow[] = [];
  const names: string[] = [];
  const columns = options.given ? [...reconstructions, ...givenColumns] : reconstructions;
  const shown = columns.filter(({ name }) => name in reconstruct.outputs);
  let scaled = false;
  let outlines = false;
  const [height, width] = model.image;
  const size = model.channels * height * width;
  const grid = patchGrid(model);
  const tokens = grid[0] * grid[1];
  const views = { batchSize, ...(options.broken && { broken: options.broken }) };
  for await (const batch of setup.evaluationViews(dataset, 'task', views)) {
    options.signal?.throwIfAborted();
    const pictures = await session.run(reconstruct, setup.inputs(batch));
    const planes = (name: string, i: number) => {
      const data = pictures[name]!.subarray(i * size, (i + 1) * size) as Float32Array;
      return { channels: model.channels, height, width, data };
    };
    batch.weights.forEach((weight, i) => {
      if (weight === 0) return;
      const mask = pictures.mask!.subarray(i * tokens, (i + 1) * tokens);
      const seen = toShownImage(planes('degraded', i));
      scaled ||= seen.scaled;
      const degraded = hideTokens(seen.picture, mask, grid, model.patch);
      const box = pictures.shown && coveredBox(pictures.shown.subarray(i * height * width), height, width);
      outlines ||= box !== undefined;
      const [original, ...recovered] = ['original', ...shown.map(({ name }) => name)].map((name) => ({
        ...toImage(planes(name, i)),
        box,
      }));
      rows.push([original, degraded, ...recovered]);
      names.push(dataset.id(batch.indices[i]!));
    });
  }
  return renderGrid({
    rows,
    rowTitles: shortNames(names),
    columnTitles: ['original', columnTitle('degraded input', scaled), ...shown.map(({ title }) => title)],
    caption: [
      `${options.title} · ${explanation ?? `The model predicts ${summary}, which are no picture.`}`,
      ...(options.given && reconstruct.outputs.reconstruction && !reconstruct.outputs.statistics
        ? ['Nothing is given for free.']
        : []),
      ...(outlines ? ['The encoder sees the outlined part.'] : []),
    ].join(' '),
  });
}
