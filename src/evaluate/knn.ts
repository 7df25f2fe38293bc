import type { Backend } from '../backends/backend.ts';
import { input, matmul, program } from '../graph/index.ts';

/** Rows of features with their classes. */
export interface LabelledFeatures {
  /** [N, D] */
  readonly features: Float32Array;
  /** [N], from 0 */
  readonly labels: Int32Array;
}

export interface KnnOptions {
  /** Neighbours that vote; all where there are fewer. Default: 20. */
  readonly k?: number;
  /** A neighbour's vote weighs exp(cosine / temperature). Default: 0.07. */
  readonly temperature?: number;
}

/** Queries whose similarities are computed at once. */
const CHUNK = 256;

/**
 * Top-1 accuracy, in [0, 1], of the weighted k-nearest-neighbour classifier of Wu et al. (arXiv 1805.01978) with
 * DINO's settings (arXiv 2104.14294, appendix F: k = 20, temperature 0.07): cosine similarity, votes weighted by
 * exp(similarity / temperature). Similarities are a matrix product on the engine. Throws RangeError for no rows or
 * rows of other widths.
 */
export async function knnAccuracy(
  backend: Backend,
  train: LabelledFeatures,
  test: LabelledFeatures,
  { k = 20, temperature = 0.07 }: KnnOptions = {},
): Promise<number> {
  const [rows, width] = shapeOf(train);
  const [queries, queryWidth] = shapeOf(test);
  if (width !== queryWidth)
    throw new RangeError(`features of train and test must have one width, got ${width} and ${queryWidth}`);
  const session = await backend.open({ bank: unitRows(train.features, width) });
  try {
    const chunk = Math.min(CHUNK, queries);
    const product = program('similarities', {
      similarities: matmul(input('queries', [chunk, width]), input('bank', [rows, width]), {
        transposeB: true,
      }),
    });
    const unit = unitRows(test.features, width);
    const votes = new Float64Array(largestLabel(train.labels) + 1);
    let correct = 0;
    for (let start = 0; start < queries; start += chunk) {
      const from = Math.min(start, queries - chunk); // the last chunk overlaps the one before it
      const taken = unit.slice(from * width, (from + chunk) * width);
      const { similarities } = await session.run(product, { queries: taken });
      for (let query = start; query < Math.min(start + chunk, queries); query++) {
        const row = similarities!.subarray((query - from) * rows, (query - from + 1) * rows) as Float32Array;
        if (vote(row, train.labels, k, temperature, votes) === test.labels[query]) correct++;
      }
    }
    return correct / queries;
  } finally {
    await session.dispose();
  }
}

/** The class with the heaviest votes of the k most similar rows; the lower class at a tie. */
function vote(
  similarities: Float32Array,
  labels: Int32Array,
  k: number,
  temperature: number,
  votes: Float64Array,
): number {
  votes.fill(0);
  for (const row of largest(similarities, k))
    votes[labels[row]!]! += Math.exp((similarities[row]! - 1) / temperature); // − 1: no overflow, same winner
  return votes.indexOf(Math.max(...votes));
}

/** Indices of the k largest values, in no order; the first ones at a tie. */
export function largest(values: Float32Array, k: number): number[] {
  const kept = Array.from({ length: Math.min(k, values.length) }, (_, i) => i);
  let weakest = weakestOf(kept, values);
  for (let i = kept.length; i < values.length; i++) {
    if (!(values[i]! > values[kept[weakest]!]!)) continue;
    kept[weakest] = i;
    weakest = weakestOf(kept, values);
  }
  return kept;
}

/** Place in `kept` of the smallest value; the last index among equals, so that the first ones stay. */
function weakestOf(kept: readonly number[], values: Float32Array): number {
  let weakest = 0;
  for (let i = 1; i < kept.length; i++) {
    const [a, b] = [values[kept[i]!]!, values[kept[weakest]!]!];
    if (a < b || (a === b && kept[i]! > kept[weakest]!)) weakest = i;
  }
  return weakest;
}

/** Rows shortened or lengthened to 1; rows of zeros stay. */
function unitRows(features: Float32Array, width: number): Float32Array {
  const out = features.slice();
  for (let start = 0; start < out.length; start += width) {
    const row = out.subarray(start, start + width);
    const norm = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
    if (norm > 0) for (let i = 0; i < width; i++) row[i]! /= norm;
  }
  return out;
}

function shapeOf({ features, labels }: LabelledFeatures): [rows: number, width: number] {
  const width = features.length / labels.length;
  if (labels.length === 0 || !Number.isInteger(width) || width === 0)
    throw new RangeError(
      `features must have rows of one width, one for each label, got ${features.length} values and ${labels.length} labels`,
    );
  return [labels.length, width];
}

function largestLabel(labels: Int32Array): number {
  return labels.reduce((a, b) => Math.max(a, b), 0);
}
