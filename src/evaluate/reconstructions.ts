import type { Dataset } from '../data/sources/dataset.ts';
import type { Session } from '../engines/engine.ts';
import { patchGrid } from '../image/size.ts';
import type { Setup, ViewOptions } from '../run/setup-pretrain.ts';
import { type GridRow, renderGrid } from '../visualize/grid.ts';
import { hideTokens, toImage, toShownImage } from '../visualize/image.ts';
import { columnTitle, shortNames } from '../visualize/titles.ts';

/**
 * Draws, for each image of a data set, the original, what the encoder sees and the reconstruction: a PNG file.
 * The original is what the prediction stands for. Patches are predicted normalised, so the picture takes mean and
 * deviation from the original's patches, and its caption says so.
 */
export async function reconstructionGrid(
  session: Session,
  setup: Setup,
  dataset: Dataset,
  options: Pick<ViewOptions, 'broken'> & { readonly title: string; readonly signal?: AbortSignal },
): Promise<Buffer> {
  const { model } = setup.config;
  const batchSize = Math.min(dataset.length, 16);
  const { reconstruct } = setup.programs(batchSize);
  const rows: GridRow[] = [];
  const names: string[] = [];
  let scaled = false;
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
      rows.push([toImage(planes('original', i)), degraded, toImage(planes('reconstruction', i))]);
      names.push(dataset.id(batch.indices[i]!));
    });
  }
  return renderGrid({
    rows,
    rowTitles: shortNames(names),
    columnTitles: ['original', columnTitle('degraded input', scaled), 'reconstruction'],
    caption: `${options.title} · ${explanations[model.target]}`,
  });
}

const explanations = {
  channel:
    "The model predicts normalised patches: in the reconstruction, each patch's mean and standard deviation by channel are those of the original.",
  patch:
    "The model predicts normalised patches: in the reconstruction, each patch's mean and standard deviation are those of the original.",
  none: 'The model predicts pixels: the reconstruction shows them as they are.',
};
