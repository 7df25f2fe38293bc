import type { Dataset } from '../../data/sources/dataset.ts';
import { patchGrid, type Size } from '../../image/size.ts';
import { attentionProgram } from '../../programs/features.ts';
import { RunError } from '../../run/error.ts';
import { renderGrid } from '../../visualize/grid.ts';
import { heatPatches, markPatch } from '../../visualize/patches.ts';
import { shortNames } from '../../visualize/titles.ts';
import { type Model, openModel } from '../../weights/model.ts';
import { type Viewed, type ViewedOptions, viewed } from './viewed.ts';

/** A token that looks at others: the class token, or the patch in a row and a column, from 0. */
export type QueryToken = 'class' | readonly [row: number, column: number];

export interface AttentionOptions extends ViewedOptions {
  /** The token that looks. Default: the class token; without one, the patch in the middle. */
  readonly of?: QueryToken | undefined;
  /** The block, from 1. Default: the last one. */
  readonly block?: number | undefined;
  /** True: the picture shows each head beside their mean. Default: false. */
  readonly eachHead?: boolean | undefined;
}

/** Attention maps of images. */
export interface AttentionMaps {
  readonly names: readonly string[];
  /** The share of its attention that the token pays to each patch, [images, heads, rows, columns]. */
  readonly maps: Float32Array;
  readonly heads: number;
  readonly grid: Size;
  readonly of: QueryToken;
  /** The block, from 1. */
  readonly block: number;
}

/**
 * Attention maps of images in a block of a model (as `openModel` opens it). The shares of a map sum to 1; with a class token to the rest,
 * as the part that it gets is left out.
 *
 * ```ts
 * const { maps, heads, grid } = await attentionMaps('runs/mine', await openImages(['cat.jpg']), { of: [3, 5] });
 * ```
 * Rejects with a RunError for a token or block that the model does not have, as `openModel` does, and with a DataError where no image
 * can be read.
 */
export async function attentionMaps(
  path: string,
  images: Dataset,
  options: AttentionOptions = {},
): Promise<AttentionMaps> {
  const { found, of, block, model } = await measured(path, images, options);
  const { heads } = model.encoder;
  const grid = patchGrid(model.encoder);
  const size = heads * grid[0] * grid[1];
  const maps = new Float32Array(found.length * size);
  for (const [i, { values }] of found.entries()) maps.set(ofPatches(values, model), i * size);
  return { names: found.map(({ name }) => name), maps, heads, grid, of, block };
}

/** The same as a picture, a PNG file: each image, and the mean of the heads over it. */
export async function drawAttention(
  path: string,
  images: Dataset,
  options: AttentionOptions = {},
): Promise<Buffer> {
  const { found, of, block, model } = await measured(path, images, options);
  const { heads, patch, depth } = model.encoder;
  const grid = patchGrid(model.encoder);
  const patches = grid[0] * grid[1];
  let brightest = 0;
  const rows = found.map(({ picture, values }) => {
    const maps = ofPatches(values, model);
    const mean = Float32Array.from({ length: patches }, (_, i) => {
      let sum = 0;
      for (let head = 0; head < heads; head++) sum += maps[head * patches + i]!;
      return sum / heads;
    });
    const each = options.eachHead
      ? Array.from({ length: heads }, (_, head) => maps.subarray(head * patches, (head + 1) * patches))
      : [];
    brightest = Math.max(brightest, ...mean);
    const shown = [mean, ...each].map((map) => heatPatches(picture, map, grid, patch, Math.max(...map)));
    return [of === 'class' ? picture : markPatch(picture, of, patch), ...shown];
  });
  const who = of === 'class' ? 'the class token' : `the patch in row ${of[0]}, column ${of[1]} (red)`;
  const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`;
  return renderGrid({
    rows,
    rowTitles: shortNames(found.map(({ name }) => name)),
    columnTitles: [
      'image',
      'mean of heads',
      ...(options.eachHead ? Array.from({ length: heads }, (_, head) => `head ${head + 1}`) : []),
    ],
    caption:
      `Attention of ${who} in block ${block} of ${depth}: yellow patches get most, each map on its scale. ` +
      `The brightest patch of a mean gets ${percent(brightest)}; shared equally, each patch would get ${percent(1 / tokenCount(model))}.`,
  });
}

async function measured(path: string, images: Dataset, options: AttentionOptions) {
  const model = await openModel(path, { heads: options.heads, image: options.image });
  const of = options.of ?? usualToken(model);
  const { depth } = model.encoder;
  const { block = depth } = options;
  if (!Number.isInteger(block) || block < 1 || block > depth)
    throw new RunError(`a block must be one of 1 to ${depth}, as ${model.path} has, got ${block}`);
  const token = placeOf(of, model);
  const program = (batch: number) =>
    attentionProgram(model.encoder, model.normalisation, batch, { block: block - 1, token });
  const found: Viewed[] = await viewed(model, images, program, 'attention', options);
  return { found, of, block, model };
}

function usualToken({ encoder }: Model): QueryToken {
  const [rows, columns] = patchGrid(encoder);
  return encoder.classToken ? 'class' : [Math.floor(rows / 2), Math.floor(columns / 2)];
}

/** Place of a token among all. Throws RunError where the model does not have it. */
function placeOf(of: QueryToken, { encoder, path }: Model): number {
  const [rows, columns] = patchGrid(encoder);
  const patches = `a patch from 0,0 to ${rows - 1},${columns - 1}`;
  if (of === 'class') {
    if (encoder.classToken) return 0;
    throw new RunError(
      `attention of the class token needs a model with one, got ${path} without: name ${patches}`,
    );
  }
  const [row, column] = of;
  if (!(row >= 0 && row < rows && column >= 0 && column < columns))
    throw new RunError(`attention must be that of ${patches}, as ${path} has, got ${row},${column}`);
  return (encoder.classToken ? 1 : 0) + row * columns + column;
}

/** Shares of all tokens [h, N] without that of the class token. */
function ofPatches(values: Float32Array, { encoder }: Model): Float32Array {
  if (!encoder.classToken) return values;
  const tokens = values.length / encoder.heads;
  return values.filter((_, i) => i % tokens !== 0);
}

function tokenCount({ encoder }: Model): number {
  const [rows, columns] = patchGrid(encoder);
  return rows * columns + (encoder.classToken ? 1 : 0);
}
