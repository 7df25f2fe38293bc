import { dot } from './vectors.ts';

/** Rotations for one eigenvalue after which the iteration counts as failed; two or three are usual. */
const MOST = 60;

/**
 * Eigenvalues of a symmetric matrix [n, n], the largest first. The matrix is reduced to a tridiagonal one by Householder's reflections, and that one is
 * diagonalised by implicit QR steps with Wilkinson's shift (Golub and Van Loan, Matrix Computations, 8.3). About n³ multiplications.
 * The relative error is that of double precision, relative to the largest one. Throws RangeError for a matrix that is not finite.
 */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  if (!matrix.every(Number.isFinite))
    throw new RangeError('eigenvalues need a matrix of finite numbers, got others');
  const { diagonal, beside } = tridiagonal(matrix.slice(), n);
  diagonalise(diagonal, beside);
  return diagonal.sort((a, b) => b - a);
}

/** A tridiagonal matrix with the same eigenvalues. The matrix is overwritten. */
function tridiagonal(a: Float64Array, n: number): { diagonal: Float64Array; beside: Float64Array } {
  const beside = new Float64Array(Math.max(0, n - 1));
  const v = new Float64Array(n);
  const q = new Float64Array(n);
  for (let k = 0; k + 2 < n; k++) {
    const norm = Math.hypot(...column(a, n, k));
    const first = a[(k + 1) * n + k]!;
    const end = first > 0 ? -norm : norm;
    beside[k] = end;
    if (norm === 0) continue;
    for (let i = k + 1; i < n; i++) v[i] = a[i * n + k]!;
    v[k + 1] = first - end;
    const half = norm * (norm + Math.abs(first)); // half of v · v
    for (let i = k + 1; i < n; i++) q[i] = dot(a, i * n + k + 1, v, k + 1, n - k - 1) / half;
    const share = dot(q, k + 1, v, k + 1, n - k - 1) / (2 * half);
    for (let i = k + 1; i < n; i++) q[i]! -= share * v[i]!;
    for (let i = k + 1; i < n; i++) {
      const [vi, qi] = [v[i]!, q[i]!];
      for (let j = k + 1, at = i * n + k + 1; j < n; j++, at++) a[at]! -= vi * q[j]! + qi * v[j]!;
    }
  }
  if (n > 1) beside[n - 2] = a[(n - 1) * n + n - 2]!;
  return { diagonal: Float64Array.from({ length: n }, (_, i) => a[i * n + i]!), beside };
}

/** The values of column k below the diagonal. */
function column(a: Float64Array, n: number, k: number): Float64Array {
  return Float64Array.from({ length: n - k - 1 }, (_, i) => a[(k + 1 + i) * n + k]!);
}

/** Turns the diagonal of a tridiagonal matrix into its eigenvalues. */
function diagonalise(d: Float64Array, e: Float64Array): void {
  const isZero = (k: number) =>
    Math.abs(e[k]!) <= Number.EPSILON * (Math.abs(d[k]!) + Math.abs(d[k + 1]!)) ||
    Math.abs(e[k]!) < Number.MIN_VALUE / Number.EPSILON;
  for (let end = d.length - 1; end > 0; end--)
    for (let turn = 0; !isZero(end - 1); turn++) {
      if (turn === MOST) throw new RangeError('eigenvalues of a symmetric matrix did not converge');
      let start = end - 1;
      while (start > 0 && !isZero(start - 1)) start--;
      rotate(d, e, start, end);
    }
}

/** One implicit QR step on the rows `start` to `end`. */
function rotate(d: Float64Array, e: Float64Array, start: number, end: number): void {
  const [last, corner] = [d[end]!, e[end - 1]!];
  const half = (d[end - 1]! - last) / 2;
  const shift = last - corner ** 2 / (half + (half < 0 ? -1 : 1) * Math.hypot(half, corner));
  let [x, z] = [d[start]! - shift, e[start]!];
  for (let k = start; k < end; k++) {
    const length = Math.hypot(x, z);
    const [c, s] = length === 0 ? [1, 0] : [x / length, z / length];
    if (k > start) e[k - 1] = length;
    const [upper, lower, between] = [d[k]!, d[k + 1]!, e[k]!];
    d[k] = c * c * upper + 2 * c * s * between + s * s * lower;
    d[k + 1] = s * s * upper - 2 * c * s * between + c * c * lower;
    e[k] = c * s * (lower - upper) + (c * c - s * s) * between;
    if (k + 1 === end) break;
    x = e[k]!;
    z = s * e[k + 1]!;
    e[k + 1]! *= c;
  }
}
