import { dot } from './vectors.ts';

/** The lower triangle L of a positive definite matrix [n, n], with L · Lᵀ equal to it. Throws RangeError for another matrix. */
export function cholesky(matrix: Float64Array, n: number): Float64Array {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      const sum = matrix[i * n + j]! - dot(l, i * n, l, j * n, j);
      if (i === j && !(sum > 0)) throw new RangeError(`a matrix must be positive definite, got ${sum}`);
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j]!;
    }
  return l;
}

/** Solves L · x = b for a lower triangle [n, n] and writes x in the place of b. */
export function solveLower(l: Float64Array, b: Float64Array): void {
  const n = b.length;
  for (let i = 0; i < n; i++) b[i] = (b[i]! - dot(l, i * n, b, 0, i)) / l[i * n + i]!;
}
