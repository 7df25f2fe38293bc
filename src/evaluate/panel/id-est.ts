import { slope } from './measures.ts';
import type { Rows } from './moments.ts';

/** Sizes of samples, evenly spread between the logarithms of a tenth of the rows and of all. */
const SIZES = 8;
const SMALLEST = 0.1;
/** With fewer rows the smallest samples are no samples. */
const FEWEST = 50;

/**
 * IdEst (arXiv 2606.03338): the intrinsic dimension of features by minimum spanning trees. The length L of the tree of n random rows grows as
 * n^((d − 1)/d); d follows from the slope of ln L against ln n. Undefined for fewer than 50 rows, where rows are all equal, and where the
 * slope is 1 or more.
 * @param order a random permutation of the rows; samples are its beginnings
 */
export function idEst(features: Rows, order: Int32Array): number | undefined {
  const { count } = features;
  if (count < FEWEST) return undefined;
  const sizes = Array.from({ length: SIZES }, (_, i) =>
    Math.round(count * SMALLEST ** ((SIZES - 1 - i) / (SIZES - 1))),
  );
  const points = sizes.map((n) => ({
    x: Math.log(n),
    y: Math.log(treeLength(features, order.subarray(0, n))),
    weight: 1,
  }));
  const dimension = 1 / (1 - slope(points));
  return Number.isFinite(dimension) && dimension > 0 ? dimension : undefined;
}

/** Length of the minimum spanning tree of some rows, by Prim's algorithm. */
export function treeLength({ values, width }: Rows, chosen: Int32Array): number {
  const left = Int32Array.from(chosen);
  const nearest = new Float64Array(left.length).fill(Infinity); // squared distance to the tree
  let last = left[left.length - 1]!;
  let length = 0;
  for (let open = left.length - 1; open > 0; open--) {
    let best = 0;
    for (let i = 0; i < open; i++) {
      const distance = squaredDistance(values, width, left[i]!, last);
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

function squaredDistance(values: Rows['values'], width: number, a: number, b: number): number {
  let sum = 0;
  for (let k = 0, i = a * width, j = b * width; k < width; k++, i++, j++) {
    const difference = values[i]! - values[j]!;
    sum += difference * difference;
  }
  return sum;
}
