import { rng } from '../../random/rng.ts';
import { plural } from '../../text/plural.ts';
import { centred, columnProducts, meanOf } from '../algebra/moments.ts';
import { dot } from '../algebra/vectors.ts';

/** The directions in which rows of numbers vary most. */
export interface PrincipalComponents {
  /** [D], the mean of the rows. */
  readonly mean: Float64Array;
  /** k directions [D] of length 1, the one with the largest variance first. The sum of each is not negative. */
  readonly directions: readonly Float64Array[];
  /** [k], variance along each direction, divided by n − 1. */
  readonly variances: readonly number[];
  /** Sum of the variances of all D numbers. */
  readonly total: number;
}

/** Further directions that are iterated along: the more, the fewer rounds. */
const MORE = 5;
const MOST_ROUNDS = 500;
/** Change of a variance in a round, relative to the largest one, that counts as none. */
const SETTLED = 1e-12;

/**
 * The first `k` principal components of rows [n, D], as many as there are: eigenvectors of the covariance by orthogonal iteration with a
 * Rayleigh–Ritz step in each round (Golub and Van Loan, Matrix Computations, 8.2). Throws RangeError for fewer than two rows.
 */
export function principalComponents(rows: Float32Array, width: number, k: number): PrincipalComponents {
  const n = rows.length / width;
  if (!Number.isInteger(n) || n < 2)
    throw new RangeError(
      `principal components need two rows or more of one width, got ${plural(rows.length, 'value')} and width ${width}`,
    );
  const all = { values: Float64Array.from(rows), count: n, width };
  const mean = meanOf(all);
  const matrix = columnProducts(centred(all)).map((sum) => sum / (n - 1));
  const total = mean.reduce((sum, _, i) => sum + matrix[i * width + i]!, 0);
  const size = Math.min(width, k + MORE);
  const stream = rng(0, 'principal components');
  let basis = orthonormal(
    Array.from({ length: size }, () => Float64Array.from(mean, () => stream.uniform(-1, 1))),
  );
  let variances: number[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const images = basis.map((vector) => product(matrix, vector));
    const { values, vectors } = eigen(basis.map((a) => images.map((b) => inner(a, b))));
    const turned = vectors.map((weights) => combined(images, weights));
    basis = orthonormal(turned);
    const before = variances;
    variances = values;
    const change = values
      .slice(0, k)
      .map((value, i) => Math.abs(value - (before[i] ?? Number.POSITIVE_INFINITY)));
    if (Math.max(...change) <= SETTLED * Math.max(values[0]!, 0)) break;
  }
  const kept = Math.min(k, size);
  return {
    mean,
    directions: basis.slice(0, kept).map(pointed),
    variances: variances.slice(0, kept).map((value) => Math.max(0, value)),
    total,
  };
}

/** Places of the rows along the directions: [n, k]. */
export function projections(rows: Float32Array, { mean, directions }: PrincipalComponents): Float64Array {
  const width = mean.length;
  const n = rows.length / width;
  const places = new Float64Array(n * directions.length);
  for (let row = 0; row < n; row++)
    for (const [i, direction] of directions.entries()) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += (rows[row * width + j]! - mean[j]!) * direction[j]!;
      places[row * directions.length + i] = sum;
    }
  return places;
}

/** Sum of products of two vectors. */
const inner = (a: Float64Array, b: Float64Array): number => dot(a, 0, b, 0, a.length);

function product(matrix: Float64Array, vector: Float64Array): Float64Array {
  const width = vector.length;
  return vector.map((_, i) => dot(matrix, i * width, vector, 0, width));
}

function combined(vectors: readonly Float64Array[], weights: readonly number[]): Float64Array {
  return vectors[0]!.map((_, i) => vectors.reduce((sum, vector, k) => sum + weights[k]! * vector[i]!, 0));
}

/** Vectors of length 1 at right angles, by Gram and Schmidt, twice for rounding. One that the others span becomes another direction. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const done: Float64Array[] = [];
  for (const given of vectors) {
    let vector = given;
    const reduced = () => {
      for (let pass = 0; pass < 2; pass++)
        for (const other of done) {
          const share = inner(vector, other);
          vector = vector.map((value, i) => value - share * other[i]!);
        }
      return Math.sqrt(inner(vector, vector));
    };
    let before = Math.sqrt(inner(vector, vector));
    let length = reduced();
    for (let axis = 0; !(length > 1e-12 * before) && axis < vector.length; axis++) {
      vector = vector.map((_, i) => Number(i === axis));
      before = 1;
      length = reduced();
      if (length < 1e-6) length = 0;
    }
    done.push(vector.map((value) => value / length));
  }
  return done;
}

/** A direction of either sign as the one whose sum is not negative. */
function pointed(direction: Float64Array): Float64Array {
  const sum = direction.reduce((all, value) => all + value, 0);
  return sum < 0 ? direction.map((value) => -value) : direction;
}

/** Eigenvalues of a small symmetric matrix, the largest first, with their vectors, by Jacobi's rotations. */
function eigen(given: readonly (readonly number[])[]): { values: number[]; vectors: number[][] } {
  const n = given.length;
  const a = given.map((row) => [...row]);
  const v = given.map((_, i) => given.map((__, j) => Number(i === j)));
  for (let sweep = 0; sweep < 50; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p]![q]! ** 2;
    const scale = a.reduce((sum, row, i) => sum + row[i]! ** 2, 0);
    if (off <= 1e-30 * scale) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, p, q);
  }
  const order = given.map((_, i) => i).sort((i, j) => a[j]![j]! - a[i]![i]!);
  return { values: order.map((i) => a[i]![i]!), vectors: order.map((i) => v.map((row) => row[i]!)) };
}

/** Turns the axes p and q so that entry [p, q] becomes 0. */
function rotate(a: number[][], v: number[][], p: number, q: number): void {
  const between = a[p]![q]!;
  if (between === 0) return;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * between);
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta ** 2 + 1));
  const cosine = 1 / Math.sqrt(tangent ** 2 + 1);
  const sine = tangent * cosine;
  const turn = (get: (k: number) => [number, number], set: (k: number, x: number, y: number) => void) => {
    for (let k = 0; k < a.length; k++) {
      const [x, y] = get(k);
      set(k, cosine * x - sine * y, sine * x + cosine * y);
    }
  };
  turn(
    (k) => [a[k]![p]!, a[k]![q]!],
    (k, x, y) => {
      a[k]![p] = x;
      a[k]![q] = y;
    },
  );
  turn(
    (k) => [a[p]![k]!, a[q]![k]!],
    (k, x, y) => {
      a[p]![k] = x;
      a[q]![k] = y;
    },
  );
  turn(
    (k) => [v[k]![p]!, v[k]![q]!],
    (k, x, y) => {
      v[k]![p] = x;
      v[k]![q] = y;
    },
  );
}
