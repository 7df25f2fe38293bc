import { symmetricEigenvalues } from './eigenvalues.ts';
import { columnProducts, type Rows, rowProducts } from './moments.ts';

/**
 * Squares of the singular values of rows, the largest first, as many as the smaller side has. They are eigenvalues of a matrix of that side;
 * relative to the largest one, errors are about 1e-15.
 */
export function squaredSingularValues(rows: Rows): Float64Array {
  const { count, width } = rows;
  const values =
    count < width
      ? symmetricEigenvalues(rowProducts(rows), count)
      : symmetricEigenvalues(columnProducts(rows), width);
  return values.map((value) => Math.max(0, value));
}

/** Singular values of rows, the largest first. */
export function singularValues(rows: Rows): Float64Array {
  return squaredSingularValues(rows).map(Math.sqrt);
}

/**
 * The effective rank of a spectrum: e to the power of the entropy of its shares. For n equal values it is n, for one value 1.
 * @param epsilon added to each share
 */
export function effectiveRank(spectrum: Float64Array, epsilon: number): number {
  const total = spectrum.reduce((sum, value) => sum + value, 0);
  if (total === 0) return 0;
  const entropy = spectrum.reduce((sum, value) => {
    const share = value / total + epsilon;
    return share > 0 ? sum - share * Math.log(share) : sum;
  }, 0);
  return Math.exp(entropy);
}
