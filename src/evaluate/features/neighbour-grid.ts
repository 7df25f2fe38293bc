import type { BrokenImages } from '../../data/load/broken.ts';
import { type Dataset, subset } from '../../data/sources/dataset.ts';
import { renderGrid } from '../../visualize/grid.ts';
import type { RgbImage } from '../../visualize/rgb-image.ts';
import { shortNames } from '../../visualize/titles.ts';
import type { Model } from '../../weights/model.ts';
import { centralViews, readable } from '../views.ts';
import type { NearestImages } from './nearest.ts';
import { pictureOf } from './viewed.ts';

/** Where the pictures of a grid come from. */
interface Origin {
  /** The images that neighbours were looked for. */
  readonly asked: Dataset;
  /** Which of them have a row, [rows of the grid]. */
  readonly indices: Int32Array;
  /** The image of a row of features; undefined where it is not known. */
  readonly pictures?: ((row: number) => { dataset: Dataset; index: number } | undefined) | undefined;
  readonly broken: BrokenImages;
}

/**
 * Draws each image, as the model sees it, and its neighbours with their cosines, as a PNG file; undefined where no neighbour's image is
 * known.
 */
export async function neighbourGrid(
  model: Model,
  images: readonly NearestImages[],
  { asked, indices, pictures, broken }: Origin,
): Promise<Buffer | undefined> {
  const queries = await picturesOf(model, asked, [...indices], broken);
  const places = images.map(({ neighbours }) => neighbours.map(({ row }) => pictures?.(row)));
  const dataset = places.flat().find((place) => place)?.dataset;
  if (!dataset) return undefined;
  const wanted = [...new Set(places.flat().flatMap((place) => (place ? [place.index] : [])))];
  const found = await picturesOf(model, dataset, wanted, broken);
  const most = Math.max(...images.map(({ neighbours }) => neighbours.length));
  const columns = Array.from({ length: most }, (_, i) => i);
  return renderGrid({
    rows: images.map((_, r) => [
      queries.get(indices[r]!),
      ...columns.map((i) => {
        const place = places[r]![i];
        return place && found.get(place.index);
      }),
    ]),
    cellTitles: images.map(({ neighbours }) => [
      '',
      ...columns.map((i) => (neighbours[i] ? neighbours[i].similarity.toFixed(3) : '')),
    ]),
    rowTitles: shortNames(images.map(({ name }) => name)),
    columnTitles: ['image', ...columns.map((i) => (i === 0 ? 'nearest' : `${i + 1}`))],
    caption: 'The images with the most similar features, each with the cosine; 1 is the same direction.',
  });
}

/** Pictures of some images by their indices, without unreadable ones. */
async function picturesOf(
  model: Model,
  dataset: Dataset,
  indices: readonly number[],
  broken: BrokenImages,
): Promise<Map<number, RgbImage>> {
  const chosen = subset(dataset, indices);
  const views = centralViews(model, chosen, { batchSize: Math.min(64, indices.length), broken });
  const found = new Map<number, RgbImage>();
  for await (const { view, weights, indices: places } of readable(views, chosen, broken))
    for (const [i, place] of places.entries())
      if (weights[i] !== 0) found.set(indices[place]!, pictureOf(model, view, i));
  return found;
}
