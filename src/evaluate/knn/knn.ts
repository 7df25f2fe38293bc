import type { Engine } from '../../engines/engine.ts';
import { input, matmul, program } from '../../graph/index.ts';
import { plural } from '../../text/plural.ts';

/** Rows of features with their classes. */
export interface LabelledFeatures {
  /** [N, D] */
  readonly features: Float32Array;
  /** [N], from 0 */
  readonly labels: Int32Array;
}

export interface KnnOptions {
  /** Numbers of neighbours that vote, limited to the number of voters. Default: `neighboursOf` the voters. */
  readonly k?: readonly number[];
  /** True: the test rows are the training rows, and each is classified by all others. */
  readonly leaveOneOut?: boolean;
  /** A neighbour's vote weighs exp(cosine / temperature). Default: 0.07. */
  readonly temperature?: number;
  /** Ends the call with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** DINO's numbers of neighbours. */
const NEIGHBOURS: readonly number[] = [10, 20, 100, 200];
/** Numbers of neighbours for fewer than 200 voters. */
const OF_FEW: readonly number[] = [1, 5, 10, 20, 100];

/** The numbers of neighbours to report: at most the number of voters. */
export function neighboursOf(voters: number): readonly number[] {
  const all = voters < NEIGHBOURS.at(-1)! ? OF_FEW : NEIGHBOURS;
  return all.filter((k) => k <= voters);
}

/** The main score: with DINO's 20 neighbours, or with the largest number below 20 if there are fewer voters. */
export function usualScore(scores: Readonly<Record<string, number>>): { k: number; top1: number } {
  const measured = Object.entries(scores).map(([name, top1]) => ({
    k: Number(name.slice('knn'.length)),
    top1,
  }));
  return measured.filter(({ k }) => k <= 20).reduce((a, b) => (b.k > a.k ? b : a));
}

/** `knnAccuracy` by name: `knn10`, `knn20` and so on, in ascending order of neighbours. */
export async function knnScores(
  engine: Engine,
  train: LabelledFeatures,
  test: LabelledFeatures,
  { leaveOneOut = false, ...options }: Omit<KnnOptions, 'k'> = {},
): Promise<Record<string, number>> {
  const k = neighboursOf(train.labels.length - (leaveOneOut ? 1 : 0));
  const accuracies = await knnAccuracy(engine, train, test, { ...options, k, leaveOneOut });
  return Object.fromEntries(k.map((one, i) => [`knn${one}`, accuracies[i]!]));
}

/** Number of queries per matrix product. */
const CHUNK = 256;

/**
 * Top-1 accuracies, in [0, 1], one for each of `k`, of the weighted k-nearest-neighbour classifier of Wu et al.
 * (arXiv 1805.01978) with DINO's settings (arXiv 2104.14294, appendix F: temperature 0.07, k = 20 usually best): cosine
 * similarity, votes weighted by exp(similarity / temperature). Similarities are a matrix product on the engine.
 * Throws RangeError without rows, for rows of different widths, and for leave-one-out with a single row.
 */
export async function knnAccuracy(
  engine: Engine,
  train: LabelledFeatures,
  test: LabelledFeatures,
  { leaveOneOut = false, k, temperature = 0.07, signal }: KnnOptions = {},
): Promise<number[]> {
  const [rows, width] = shapeOf(train);
  const voters = rows - (leaveOneOut ? 1 : 0);
  if (voters < 1) throw new RangeError('leave-one-out needs at least two rows, got one');
  const counts = k ?? neighboursOf(voters);
  const [queries, queryWidth] = shapeOf(test);
  if (width !== queryWidth)
    throw new RangeError(`features of train and test must have one width, got ${width} and ${queryWidth}`);
  const session = await engine.open({ bank: unitRows(train.features, width) });
  try {
    const chunk = Math.min(CHUNK, queries);
    const product = program('similarities', {
      similarities: matmul(input('queries', [chunk, width]), input('bank', [rows, width]), {
        transposeB: true,
      }),
    });
    const unit = unitRows(test.features, width);
    const classifier = new KnnClassifier(train.labels, counts, temperature);
    const correct = counts.map(() => 0);
    for (let start = 0; start < queries; start += chunk) {
      signal?.throwIfAborted();
      const from = Math.min(start, queries - chunk); // the last chunk overlaps the one before it
      const taken = unit.slice(from * width, (from + chunk) * width);
      const { similarities } = await session.run(product, { queries: taken });
      for (let query = start; query < Math.min(start + chunk, queries); query++) {
        const row = similarities!.subarray((query - from) * rows, (query - from + 1) * rows) as Float32Array;
        if (leaveOneOut) row[query] = Number.NEGATIVE_INFINITY; // `largest` never takes it
        for (const [i, predicted] of classifier.predict(row).entries())
          if (predicted === test.labels[query]) correct[i]!++;
      }
    }
    return correct.map((count) => count / queries);
  } finally {
    await session.dispose();
  }
}

/** The weighted kNN classifier. */
class KnnClassifier {
  readonly #labels: Int32Array;
  readonly #k: readonly number[];
  readonly #temperature: number;
  readonly #votes: Float64Array;

  constructor(labels: Int32Array, k: readonly number[], temperature: number) {
    this.#labels = labels;
    this.#k = k;
    this.#temperature = temperature;
    this.#votes = new Float64Array(labels.reduce((a, b) => Math.max(a, b), 0) + 1);
  }

  /** For each k, the class with the largest sum of votes among the k most similar rows; the lower class at a tie. */
  predict(similarities: Float32Array): number[] {
    const nearest = largest(similarities, Math.max(...this.#k));
    this.#votes.fill(0);
    const classes: number[] = [];
    for (const [place, row] of nearest.entries()) {
      // − 1 prevents overflow and scales all votes alike
      const weight = Math.exp((similarities[row]! - 1) / this.#temperature);
      this.#votes[this.#labels[row]!]! += weight;
      for (const [i, k] of this.#k.entries())
        if (place + 1 === Math.min(k, nearest.length))
          classes[i] = this.#votes.indexOf(Math.max(...this.#votes));
    }
    return classes;
  }
}

/** Indices of the k largest values, the largest first; at a tie the first ones. */
export function largest(values: Float32Array, k: number): number[] {
  const order = (a: number, b: number) => values[b]! - values[a]! || a - b;
  const room = 4 * k + 64;
  let candidates: number[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    if (!(values[i]! > least)) continue;
    if (candidates.push(i) < room) continue;
    candidates = candidates.sort(order).slice(0, k);
    least = values[candidates[k - 1]!]!;
  }
  return candidates.sort(order).slice(0, k);
}

/** Rows scaled to norm 1; rows of zeros stay. */
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
      `features must have rows of one width, one for each label, got ${plural(features.length, 'value')} and ${plural(labels.length, 'label')}`,
    );
  return [labels.length, width];
}
