import type { Dataset } from '../../data/sources/dataset.ts';
import { patchCount, patchGrid } from '../../image/size.ts';
import { featureProgram } from '../../programs/features.ts';
import { renderGrid } from '../../visualize/grid.ts';
import { colourPatches } from '../../visualize/patches.ts';
import { shortNames } from '../../visualize/titles.ts';
import { openModel } from '../../weights/model.ts';
import { principalComponents, projections } from './principal-components.ts';
import { type ViewedOptions, viewed } from './viewed.ts';

/** Share of the patches beyond black and beyond full colour, so that a few far ones do not leave the others pale. */
const TAIL = 0.02;

/**
 * Draws images beside the first three principal components of the features of their patches, as DINOv2 shows them (arXiv 2304.07193, figure
 * 1, without the removal of the background): components one to three of all patches of all images together are red, green and
 * blue. Patches of like features have like colours. Resolves to a PNG file.
 * Rejects as `openModel` does, and with a DataError where no image can be read.
 */
export async function drawComponents(
  path: string,
  images: Dataset,
  options: ViewedOptions = {},
): Promise<Buffer> {
  const model = await openModel(path, { heads: options.heads, image: options.image });
  const config = { ...model.encoder, pooling: 'patch', fcNorm: model.classifier?.fcNorm ?? false } as const;
  const program = (batch: number) => featureProgram(config, model.normalisation, batch);
  const found = await viewed(model, images, program, 'features', options);
  const { width } = config;
  const patches = patchCount(config);
  const rows = new Float32Array(found.length * patches * width);
  for (const [i, { values }] of found.entries()) rows.set(values, i * patches * width);
  const components = principalComponents(rows, width, 3);
  const places = projections(rows, components);
  const shown = components.directions.length;
  const scales = Array.from({ length: shown }, (_, c) => range(places.filter((_, i) => i % shown === c)));
  const colours = Uint8Array.from({ length: 3 * found.length * patches }, (_, i) => {
    const [patch, c] = [Math.floor(i / 3), i % 3];
    const scale = scales[c];
    return scale ? 255 * clip((places[patch * shown + c]! - scale[0]) / (scale[1] - scale[0])) : 128;
  });
  const grid = patchGrid(config);
  const percent = components.variances.map(
    (variance) => `${Math.round((100 * variance) / (components.total || 1))} %`,
  );
  return renderGrid({
    rows: found.map(({ picture }, i) => [
      picture,
      colourPatches(colours.subarray(3 * i * patches, 3 * (i + 1) * patches), grid, config.patch),
    ]),
    rowTitles: shortNames(found.map(({ name }) => name)),
    columnTitles: ['image', 'features of patches'],
    caption: `Red, green and blue: the first three principal components of the features of ${grid.join('×')} patches, over all images shown. They hold ${percent.join(', ')} of the variance.`,
  });
}

/** Values that mean 0 and 1: all but a few lie between. */
function range(values: Float64Array): [low: number, high: number] {
  const sorted = values.sort();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
  const [low, high] = [at(TAIL), at(1 - TAIL)];
  return high > low ? [low, high] : [low - 1, low + 1];
}

const clip = (value: number) => Math.min(1, Math.max(0, value));
