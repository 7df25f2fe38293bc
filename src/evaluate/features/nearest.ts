import { plural } from '../../text/plural.ts';

/** Rows of features: a result of `embed`, or an array from a .npy file. */
export interface FeatureRows {
  /** [n, width] */
  readonly features: ArrayLike<number>;
  readonly width: number;
  /** [n] */
  readonly names?: readonly string[] | undefined;
}

export interface Neighbour {
  /** Number of the row, from 0. */
  readonly row: number;
  /** Name of the row, if the features have names. */
  readonly name?: string;
  /** Cosine similarity, in [−1, 1]; 0 if either row is all zeros. */
  readonly similarity: number;
}

/** The nearest images of one image. */
export interface NearestImages {
  readonly name: string;
  /** The nearest first; the image's own file is left out. */
  readonly neighbours: readonly (Neighbour & { readonly name: string })[];
}

export interface NearestOptions {
  /** Number of neighbours, at most the number of rows. Default: 10. */
  readonly k?: number | undefined;
}

/**
 * The rows with the highest cosine similarity to a query, the most similar first. The lower row wins a tie.
 *
 * ```ts
 * const photos = await embed('runs/mine', '~/photos');
 * const [query] = [photos.features.subarray(0, photos.width)];
 * const neighbours = nearest(photos, query, { k: 5 }); // the query itself comes first
 * ```
 * @param query [width]
 * Throws RangeError if the features are not rows of `width`, the query has another width, or `k` is below 1.
 */
export function nearest(
  { features, width, names }: FeatureRows,
  query: ArrayLike<number>,
  { k = 10 }: NearestOptions = {},
): Neighbour[] {
  const rows = features.length / width;
  if (!Number.isSafeInteger(width) || width < 1 || !Number.isInteger(rows))
    throw new RangeError(
      `features must be rows of one width of at least 1, got ${plural(features.length, 'value')} and width ${width}`,
    );
  if (query.length !== width)
    throw new RangeError(`a query must have the features' ${plural(width, 'value')}, got ${query.length}`);
  if (!Number.isSafeInteger(k) || k < 1)
    throw new RangeError(`k must be a whole number of at least 1, got ${k}`);
  if (names && names.length !== rows)
    throw new RangeError(`names must be one for each of ${plural(rows, 'row')}, got ${names.length}`);
  const length = norm(query, 0, width);
  const similarities = Float64Array.from({ length: rows }, (_, row) => {
    const both = length * norm(features, row * width, width);
    return both === 0 ? 0 : product(features, row * width, query) / both;
  });
  const fault = similarities.findIndex(Number.isNaN);
  if (fault >= 0)
    throw new RangeError(`features must be finite numbers, got others in row ${fault} or the query`);
  return Array.from(similarities.keys())
    .sort((a, b) => similarities[b]! - similarities[a]! || a - b)
    .slice(0, k)
    .map((row) => ({ row, ...(names && { name: names[row]! }), similarity: similarities[row]! }));
}

function product(features: ArrayLike<number>, start: number, query: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < query.length; i++) sum += features[start + i]! * query[i]!;
  return sum;
}

function norm(values: ArrayLike<number>, start: number, width: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += values[start + i]! ** 2;
  return Math.sqrt(sum);
}
