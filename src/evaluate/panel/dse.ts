import { centred, chosenRows, meanOf, type Rows } from '../algebra/moments.ts';
import { effectiveRank, singularValues } from '../algebra/spectrum.ts';
import { squaredDistance } from '../algebra/vectors.ts';
import { kMeans } from './k-means.ts';

/** Clusters of one image's tokens, and of those of several images. */
const OF_IMAGE = 3;
const OF_IMAGES = 24;
/** Images whose tokens are clustered together. */
const TOGETHER = 8;
const EPSILON = 1e-12;

/** Tokens of patches, [images, tokens, width]. */
export interface Tokens {
  readonly values: Float64Array;
  readonly images: number;
  readonly tokens: number;
  readonly width: number;
}

/**
 * DSE (arXiv 2510.17299): a measure of dense features, higher is better. It adds the distance of tokens to the nearest other cluster and the
 * effective rank of tokens, and subtracts the extent of clusters, of one image and of eight; lengths are relative to the mean distance of tokens
 * from their mean.
 *
 * k-means begins with tokens at even distances instead of random ones, and the ranks are those of one token of each image, at places that shift by
 * one from image to image instead of random ones: the same tokens give the same number. Undefined for fewer than two images, and for tokens
 * that are all equal.
 */
export function dse(all: Tokens): number | undefined {
  const { images, tokens, width } = all;
  if (images < 2) return undefined;
  const unit = meanDistance(rowsOf(all, 0, images));
  if (unit === 0) return undefined;
  const single = Array.from({ length: images }, (_, i) =>
    meanOfNumbers(extents(rowsOf(all, i, 1), OF_IMAGE)),
  );
  const joint: number[] = [];
  const apart: number[] = [];
  for (let first = 0; first < images; first += TOGETHER) {
    const rows = rowsOf(all, first, Math.min(TOGETHER, images - first));
    joint.push(...extents(rows, OF_IMAGES, apart));
  }
  const ranks = Array.from({ length: tokens }, (_, n) => {
    const values = new Float64Array(images * width);
    for (let i = 0; i < images; i++) {
      const at = (i * tokens + ((n + i) % tokens)) * width;
      values.set(all.values.subarray(at, at + width), i * width);
    }
    return effectiveRank(singularValues({ values, count: images, width }), EPSILON);
  });
  const rank = meanOfNumbers(ranks) / Math.min(images, width);
  return meanOfNumbers(apart) / unit + rank - (meanOfNumbers(joint) + meanOfNumbers(single)) / (2 * unit);
}

/** The tokens of some images as rows. */
function rowsOf({ values, tokens, width }: Tokens, first: number, images: number): Rows {
  const size = tokens * width;
  return { values: values.subarray(first * size, (first + images) * size), count: images * tokens, width };
}

/**
 * The extents of clusters of two rows or more: the sum of singular values of their centred rows, over the root of the larger one of width and
 * rows less one.
 * @param apart where given, the mean distance of rows to the nearest centre of another cluster is added to it
 */
function extents(rows: Rows, clusters: number, apart?: number[]): number[] {
  const { centres, labels } = kMeans(rows, clusters);
  if (apart) apart.push(distanceToOthers(rows, centres, labels));
  const { width } = rows;
  const found: number[] = [];
  for (let c = 0; c < centres.length / width; c++) {
    const members = [...labels.keys()].filter((i) => labels[i] === c);
    if (members.length < 2) continue;
    const sum = singularValues(centred(chosenRows(rows, members))).reduce((a, b) => a + b, 0);
    found.push(sum / Math.sqrt(Math.max(members.length - 1, width)));
  }
  return found;
}

/** Mean distance of rows to the nearest centre of another cluster. */
function distanceToOthers(rows: Rows, centres: Float64Array, labels: Int32Array): number {
  const { values, width } = rows;
  const k = centres.length / width;
  let sum = 0;
  for (let i = 0; i < rows.count; i++) {
    let least = Infinity;
    for (let c = 0; c < k; c++)
      if (c !== labels[i])
        least = Math.min(least, squaredDistance(values, i * width, centres, c * width, width));
    sum += Number.isFinite(least) ? Math.sqrt(least) : 0;
  }
  return sum / rows.count;
}

/** Mean distance of rows from their mean. */
function meanDistance(rows: Rows): number {
  const { values, width } = rows;
  const mean = meanOf(rows);
  let sum = 0;
  for (let i = 0; i < rows.count; i++) sum += Math.sqrt(squaredDistance(values, i * width, mean, 0, width));
  return sum / rows.count;
}

const meanOfNumbers = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
