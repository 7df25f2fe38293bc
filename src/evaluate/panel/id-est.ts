import type { Rows } from '../algebra/moments.ts';
import { squaredDistance } from '../algebra/vectors.ts';
import { slope } from './measures.ts';

/** Sizes of samples, evenly spread between the logarithms of a tenth of the rows and of all. */
const SIZES = 8;
const SMALLEST = 0.1;
/** With fewer rows the smallest samples are no samples. */
const FEWEST = 50;
/** More rows would take long: their distances grow with the square of their number. */
const MOST = 2000;

/**
 * IdEst (arXiv 2606.03338): the intrinsic dimension of features by minimum spanning trees. The length L of the tree of n random rows grows as
 * n^((d − 1)/d); d follows from the slope of ln L against ln n. Undefined for fewer than 50 rows, where rows are all equal, and where the
 * slope is 1 or more.
 * @param order a random permutation of the rows; samples are its beginnings, of at most 2,000 rows
 */
export function idEst(features: Rows, order: Int32Array): number | undefined {
  const count = Math.min(MOST, features.count);
  if (count < FEWEST) return undefined;
  const distances = distancesOf(features, order.subarray(0, count));
  const sizes = Array.from({ length: SIZES }, (_, i) =>
    Math.round(count * SMALLEST ** ((SIZES - 1 - i) / (SIZES - 1))),
  );
  const points = sizes.map((n) => ({
    x: Math.log(n),
    y: Math.log(treeLength(distances, count, n)),
    weight: 1,
  }));
  const dimension = 1 / (1 - slope(points));
  return Number.isFinite(dimension) && dimension > 0 ? dimension : undefined;
}

/** Squared distances of all pairs of the chosen rows, [n, n]. */
function distancesOf({ values, width }: Rows, chosen: Int32Array): Float64Array {
  const n = chosen.length;
  const distances = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) {
      const distance = squaredDistance(values, chosen[i]! * width, values, chosen[j]! * width, width);
      distances[i * n + j] = distance;
      distances[j * n + i] = distance;
    }
  return distances;
}

/** Length of the minimum spanning tree of the first `count` of `total` points, by Prim's algorithm. @param squared distances [total, total] */
function treeLength(squared: Float64Array, total: number, count: number): number {
  const left = Int32Array.from({ length: count }, (_, i) => i);
  const nearest = new Float64Array(count).fill(Infinity); // squared distance to the tree
  let last = count - 1;
  let length = 0;
  for (let open = count - 1; open > 0; open--) {
    let best = 0;
    for (let i = 0; i < open; i++) {
      const distance = squared[last * total + left[i]!]!;
      if (distance < nearest[i]!) nearest[i] = distance;
      if (nearest[i]! < nearest[best]!) best = i;
    }
    length += Math.sqrt(nearest[best]!);
    last = left[best]!;
    left[best] = left[open - 1]!;
    nearest[best] = nearest[open - 1]!;
  }
  return length;
}
