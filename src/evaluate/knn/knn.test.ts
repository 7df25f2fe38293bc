import { describe, expect, it } from 'vitest';
import { fc, seed } from '../../../tests/support/random.ts';
import { referenceEngine } from '../../engines/reference/engine.ts';
import { rng } from '../../random/rng.ts';
import { knnAccuracy, knnScores, largest, neighboursOf, usualScore } from './knn.ts';

/** The definition, written out: full sort, votes by class. */
function bruteForce(
  train: { features: Float32Array; labels: Int32Array },
  test: { features: Float32Array; labels: Int32Array },
  width: number,
  k: number,
  temperature: number,
): number {
  const row = (features: Float32Array, i: number) =>
    Array.from(features.subarray(i * width, (i + 1) * width));
  const cosine = (a: number[], b: number[]) =>
    a.reduce((sum, x, i) => sum + x * b[i]!, 0) / Math.hypot(...a) / Math.hypot(...b);
  let correct = 0;
  for (const [q, label] of test.labels.entries()) {
    const votes = new Map<number, number>();
    const similar = [...train.labels]
      .map((cls, i) => ({ cls, similarity: cosine(row(test.features, q), row(train.features, i)) }))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, k);
    for (const { cls, similarity } of similar)
      votes.set(cls, (votes.get(cls) ?? 0) + Math.exp(similarity / temperature));
    const best = [...votes].sort((a, b) => b[1] - a[1])[0]![0];
    if (best === label) correct++;
  }
  return correct / test.labels.length;
}

const randomSet = (seed: number, rows: number, width: number, classes: number) => {
  const stream = rng(seed, rows);
  const labels = Int32Array.from({ length: rows }, () => stream.int(classes));
  // A little of the class in the features, so that neighbours mean something.
  const features = Float32Array.from({ length: rows * width }, (_, i) =>
    stream.normal(i % width === labels[Math.floor(i / width)]! % width ? 1 : 0),
  );
  return { features, labels };
};

describe('knnAccuracy', () => {
  it('agrees with the definition', async () => {
    for (const [rows, queries, k] of [
      [40, 300, [20, 1, 100]],
      [7, 3, [20]],
      [400, 257, [1, 10, 50]],
    ] as const) {
      const train = randomSet(seed, rows, 5, 4);
      const test = randomSet(seed + 1, queries, 5, 4);
      const got = await knnAccuracy(referenceEngine, train, test, { k });
      const expected = k.map((one) => bruteForce(train, test, 5, one, 0.07));
      expect(got, `seed ${seed}`).toEqual(expected);
    }
  });

  it('agrees with the definition of leave-one-out', async () => {
    for (const rows of [2, 7, 54, 300]) {
      const all = randomSet(seed, rows, 5, 3);
      const got = await knnAccuracy(referenceEngine, all, all, { leaveOneOut: true });
      const k = neighboursOf(rows - 1);
      const right = k.map(() => 0);
      for (let i = 0; i < rows; i++) {
        const others = Array.from({ length: rows }, (_, j) => j).filter((j) => j !== i);
        const row = (j: number) => all.features.subarray(5 * j, 5 * j + 5);
        const rest = {
          features: Float32Array.from(others.flatMap((j) => [...row(j)])),
          labels: Int32Array.from(others, (j) => all.labels[j]!),
        };
        const one = { features: row(i), labels: all.labels.subarray(i, i + 1) };
        for (const [n, each] of k.entries()) right[n]! += bruteForce(rest, one, 5, each, 0.07);
      }
      expect(got, `seed ${seed}, ${rows} rows`).toEqual(right.map((count) => count / rows));
    }
    const one = randomSet(1, 1, 3, 2);
    await expect(knnAccuracy(referenceEngine, one, one, { leaveOneOut: true })).rejects.toThrow(
      'leave-one-out needs at least two rows',
    );
  });

  it('is 1 if the test images are training images and k is 1', async () => {
    const train = randomSet(5, 30, 4, 3);
    expect(await knnAccuracy(referenceEngine, train, train, { k: [1] })).toEqual([1]);
  });

  it('rejects features of wrong shapes', async () => {
    const [a, b] = [randomSet(1, 4, 3, 2), randomSet(1, 4, 2, 2)];
    await expect(knnAccuracy(referenceEngine, a, b)).rejects.toThrow('must have one width, got 3 and 2');
    const none = { features: new Float32Array(), labels: new Int32Array() };
    await expect(knnAccuracy(referenceEngine, none, a)).rejects.toThrow('got 0 values and 0 labels');
  });
});

it('never uses more neighbours than voters', async () => {
  expect([1, 4, 9, 54, 199, 200, 10_000].map((voters) => neighboursOf(voters))).toEqual([
    [1],
    [1],
    [1, 5],
    [1, 5, 10, 20],
    [1, 5, 10, 20, 100],
    [10, 20, 100, 200],
    [10, 20, 100, 200],
  ]);
  const [few, many] = [randomSet(2, 54, 4, 3), randomSet(2, 300, 4, 3)];
  const scores = await knnScores(referenceEngine, few, few);
  expect(Object.keys(scores)).toEqual(['knn1', 'knn5', 'knn10', 'knn20']);
  expect(usualScore(scores)).toEqual({ k: 20, top1: scores.knn20 });
  expect(usualScore({ knn1: 0.5, knn5: 0.25 })).toEqual({ k: 5, top1: 0.25 });
  expect(Object.keys(await knnScores(referenceEngine, many, few))).toEqual([
    'knn10',
    'knn20',
    'knn100',
    'knn200',
  ]);
});

it('largest agrees with a sort, the first ones at a tie', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 12 }),
      (list, k) => {
        const values = Float32Array.from(list);
        const sorted = list.map((_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);
        expect(largest(values, k)).toEqual(sorted.slice(0, k));
      },
    ),
  );
});
