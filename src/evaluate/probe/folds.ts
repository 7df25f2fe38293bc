import { rng } from '../../random/rng.ts';
import type { LabelledFeatures } from '../knn/knn.ts';

/**
 * Stratified folds: divides rows at random into at most `count` parts of nearly equal size and nearly equal class shares. There are
 * never more parts than rows. Indices ascend.
 */
export function folds(labels: Int32Array, count: number, seed: number): Int32Array[] {
  const order = Array.from(rng(seed, 'folds').permutation(labels.length));
  order.sort((a, b) => labels[a]! - labels[b]!); // stable: random order within a class
  const parts = Math.min(count, labels.length);
  return Array.from({ length: parts }, (_, part) =>
    Int32Array.from(order.filter((_, place) => place % parts === part)).sort(),
  );
}

/** Splits the rows: `aside` (ascending) is the test set, all others are the training set. */
export function divide(
  features: LabelledFeatures,
  aside: Int32Array,
): { train: LabelledFeatures; test: LabelledFeatures } {
  const out = new Set(aside);
  const rest = Int32Array.from(features.labels.keys()).filter((row) => !out.has(row));
  return { train: take(features, rest), test: take(features, aside) };
}

function take({ features, labels }: LabelledFeatures, rows: Int32Array): LabelledFeatures {
  const width = features.length / labels.length;
  const taken = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries())
    taken.set(features.subarray(row * width, (row + 1) * width), i * width);
  return { features: taken, labels: rows.map((row) => labels[row]!) };
}
