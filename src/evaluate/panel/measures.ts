import { centred, type Rows } from '../algebra/moments.ts';
import { effectiveRank, singularValues, squaredSingularValues } from '../algebra/spectrum.ts';

/*
 * Measures of features that need no labels. Rows are features of images.
 */

const EPSILON = 1e-7;

/**
 * RankMe (Garrido et al. 2023, arXiv 2210.02885): the effective rank of the features by their singular values, not centred, between 1 and the
 * smaller of width and number of images. Some implementations take eigenvalues of the covariance, and give other numbers.
 */
export function rankMe(features: Rows): number {
  return effectiveRank(singularValues(features), EPSILON);
}

/** Eigenvalues of the covariance of features, the largest first; at most as many as there are images, less one. */
export function variances(features: Rows): Float64Array {
  const { count, width } = features;
  const values = squaredSingularValues(centred(features)).map((value) => value / Math.max(1, count - 1));
  return values.slice(0, Math.min(width, Math.max(1, count - 1)));
}

const FIRST = 10;
const LAST = 100;
const FEWEST = 10;
/** A smaller eigenvalue, relative to the largest one, is rounding. */
const ROUNDING = 1e-12;

/**
 * α-ReQ (Agrawal et al. 2022, arXiv 2202.05808): the exponent of the power law of the covariance's eigenvalues, λᵢ ~ i^−α, by a straight line
 * through their logarithms for i from 10 to 100, weighted by 1/i. Undefined where fewer than ten of these eigenvalues are above rounding.
 */
export function alphaReq(eigenvalues: Float64Array): number | undefined {
  const points: { x: number; y: number; weight: number }[] = [];
  for (let i = FIRST; i <= Math.min(LAST, eigenvalues.length); i++) {
    const value = eigenvalues[i - 1]!;
    if (!(value > ROUNDING * eigenvalues[0]!)) break;
    points.push({ x: Math.log(i), y: Math.log(value), weight: 1 / i });
  }
  return points.length < FEWEST ? undefined : -slope(points);
}

/** Slope of the straight line with the smallest weighted squared errors. */
export function slope(points: readonly { x: number; y: number; weight: number }[]): number {
  const sum = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((total, point) => total + point.weight * of(point), 0);
  const weights = sum(() => 1);
  const [x, y] = [sum((point) => point.x) / weights, sum((point) => point.y) / weights];
  return sum((point) => (point.x - x) * (point.y - y)) / sum((point) => (point.x - x) ** 2);
}

/** Variance of a dead direction, at most, relative to that of the strongest: a hundredth of its standard deviation. */
const DEAD = 1e-4;

/** The share of principal directions whose standard deviation is less than a hundredth of the strongest one's. */
export function deadDirections(eigenvalues: Float64Array): number {
  const least = DEAD * eigenvalues[0]!;
  const alive = eigenvalues.reduce((count, value) => count + Number(value > 0 && value >= least), 0);
  return 1 - alive / eigenvalues.length;
}

/** Mean cosine of all pairs of different rows: 1 where all features point in one direction. Rows of zeros count as orthogonal to all. */
export function meanCosine({ values, count, width }: Rows): number {
  const sum = new Float64Array(width);
  let own = 0;
  for (let i = 0; i < count; i++) {
    let square = 0;
    for (let j = 0; j < width; j++) square += values[i * width + j]! ** 2;
    if (square === 0) continue;
    own++;
    const norm = Math.sqrt(square);
    for (let j = 0; j < width; j++) sum[j]! += values[i * width + j]! / norm;
  }
  const all = sum.reduce((total, x) => total + x * x, 0);
  return (all - own) / (count * (count - 1));
}
