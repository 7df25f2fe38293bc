import { chosenRows, type Rows } from '../algebra/moments.ts';
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
  const rows = chosenRows(features, order.subarray(0, count));
  const sizes = Int32Array.from({ length: SIZES }, (_, i) =>
    Math.round(count * SMALLEST ** ((SIZES - 1 - i) / (SIZES - 1))),
  );
  const points = Array.from(sizes, (n) => ({
    x: Math.log(n),
    y: Math.log(treeLength(rows, n)),
    weight: 1,
  }));
  const dimension = 1 / (1 - slope(points));
  return Number.isFinite(dimension) && dimension > 0 ? dimension : undefined;
}

/**
 * Length of the minimum spanning tree of the first `count` rows, by Prim's algorithm. Distances are computed where they are needed: a matrix of
 * all of them would take 32 MB for 2,000 rows.
 */
function treeLength({ values, width }: Rows, count: number): number {
  const left = Int32Array.from({ length: count }, (_, i) => i);
  const nearest = new Float64Array(count).fill(Infinity); // squared distance to the tree
  let last = count - 1;
  let length = 0;
  for (let open = count - 1; open > 0; open--) {
    let best = 0;
    for (let i = 0; i < open; i++) {
      const distance = squaredDistance(values, last * width, values, left[i]! * width, width);
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
