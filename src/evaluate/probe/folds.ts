import { rng } from '../../random/rng.ts';
import type { LabelledFeatures } from '../knn/knn.ts';

/**
 * Divides rows at random into parts of nearly one size, in which each class has nearly its share: no more parts than rows.
 * Indices in ascending order.
 */
export function folds(labels: Int32Array, count: number, seed: number): Int32Array[] {
  const order = Array.from(rng(seed, 'folds').permutation(labels.length));
  order.sort((a, b) => labels[a]! - labels[b]!); // stable: at random within a class
  const parts = Math.min(count, labels.length);
  return Array.from({ length: parts }, (_, part) =>
    Int32Array.from(order.filter((_, place) => place % parts === part)).sort(),
  );
}

/** The rows at `aside`, ascending, and all others. */
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
