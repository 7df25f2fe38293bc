import { cholesky, solveLower } from '../algebra/cholesky.ts';
import { centred, columnProducts, type Rows } from '../algebra/moments.ts';
import { dot } from '../algebra/vectors.ts';

/** Ridge penalty relative to the number of rows, on standardised features. */
const PENALTY = 0.03;

/**
 * Top-1 accuracy of a linear classifier, in [0, 1], by leave-one-out: each row is classified by the least-squares classifier of all others, with a
 * ridge penalty, on standardised features. All of it follows in closed form from one decomposition: there is no learning rate, no epoch and no state
 * that could differ when a run is resumed. Undefined for fewer than two classes.
 * @param labels class of each row
 */
export function linearLeaveOneOut(features: Rows, labels: Int32Array): number | undefined {
  const { count, width } = features;
  const classes = new Set(labels);
  if (classes.size < 2) return undefined;
  const names = [...classes];
  const rows = standardised(features);
  const products = columnProducts(rows);
  for (let j = 0; j < width; j++) products[j * width + j]! += PENALTY * count;
  const l = cholesky(products, width);
  // Rows become z = L⁻¹ · x: a row's leverage is z · z, its prediction z · Σ z · y.
  const z = rows.values;
  for (let i = 0; i < count; i++) solveLower(l, z.subarray(i * width, (i + 1) * width));
  const shares = names.map((name) => labels.reduce((sum, label) => sum + Number(label === name), 0) / count);
  const weights = names.map((name, c) => {
    const sums = new Float64Array(width);
    for (let i = 0; i < count; i++) {
      const y = Number(labels[i] === name) - shares[c]!;
      for (let j = 0; j < width; j++) sums[j]! += y * z[i * width + j]!;
    }
    return sums;
  });
  let right = 0;
  for (let i = 0; i < count; i++) {
    const at = i * width;
    const leverage = dot(z, at, z, at, width) + 1 / count;
    const scores = names.map((name, c) => {
      const y = Number(labels[i] === name);
      return y - (y - shares[c]! - dot(z, at, weights[c]!, 0, width)) / (1 - leverage);
    });
    right += Number(names[scores.indexOf(Math.max(...scores))] === labels[i]);
  }
  return right / count;
}

/** Columns with mean 0 and variance 1; constant ones are 0. */
function standardised(features: Rows): Rows {
  const rows = centred(features);
  const { values, count, width } = rows;
  const scale = new Float64Array(width);
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < width; j++, at++) scale[j]! += values[at]! ** 2;
  for (let j = 0; j < width; j++) scale[j] = scale[j]! > 0 ? Math.sqrt(count / scale[j]!) : 0;
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < width; j++, at++) values[at]! *= scale[j]!;
  return rows;
}
