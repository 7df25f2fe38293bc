import { describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { referenceEngine } from '../../engines/reference/engine.ts';
import { rng } from '../../random/rng.ts';
import { linearScore } from './linear-score.ts';

const WIDTH = 6;
const CLASSES = 3;

/** Rows around a centre for each class, and how often the nearest centre is right: the best that any classifier can do. */
function clouds(seed: number, rows: number, spread: number) {
  const [centres, stream] = [rng(seed, 'centres'), rng(seed, 'rows', rows)];
  const centre = Float64Array.from({ length: CLASSES * WIDTH }, () => centres.normal(0));
  // Every column has a different, meaningless scale and offset.
  const [scale, offset] = [0, 1].map(() => Array.from({ length: WIDTH }, () => 1 + 99 * centres.uniform()));
  const labels = Int32Array.from({ length: rows }, () => stream.int(CLASSES));
  const plain = Float64Array.from({ length: rows * WIDTH }, (_, i) => {
    const label = labels[Math.floor(i / WIDTH)]!;
    return centre[label * WIDTH + (i % WIDTH)]! + spread * stream.normal(0);
  });
  const distance = (row: number, label: number) =>
    Math.hypot(
      ...Array.from({ length: WIDTH }, (_, i) => plain[row * WIDTH + i]! - centre[label * WIDTH + i]!),
    );
  const right = labels.filter((label, row) => {
    const distances = Array.from({ length: CLASSES }, (_, candidate) => distance(row, candidate));
    return distances.indexOf(Math.min(...distances)) === label;
  });
  const features = Float32Array.from(plain, (x, i) => x * scale![i % WIDTH]! + offset![i % WIDTH]!);
  return { features, labels, best: right.length / rows };
}

describe('linearScore', () => {
  it.each([0.3, 1, 2])('comes near the best classifier of clouds of spread %d', async (spread) => {
    const [train, test] = [clouds(seed, 1500, spread), clouds(seed, 800, spread)];
    const score = (await linearScore(referenceEngine, train, test, 1))!;
    expect(score, `seed ${seed}`).toBeGreaterThan(test.best - 0.06);
    expect(score, `seed ${seed}`).toBeLessThan(test.best + 0.06);
  });

  it('is at chance level for random classes', async () => {
    const byLot = (set: ReturnType<typeof clouds>, purpose: string) => {
      const stream = rng(seed, purpose);
      return { ...set, labels: set.labels.map(() => stream.int(CLASSES)) };
    };
    const [train, test] = [byLot(clouds(seed, 600, 1), 'train'), byLot(clouds(seed, 900, 1), 'test')];
    const score = (await linearScore(referenceEngine, train, test, 1))!;
    expect(Math.abs(score - 1 / CLASSES), `seed ${seed}`).toBeLessThan(0.1);
  });

  it('is the same for the same seed, and needs at least five images', async () => {
    const [train, test] = [clouds(3, 40, 1), clouds(3, 20, 1)];
    const score = () => linearScore(referenceEngine, train, test, 7);
    expect(await score()).toBe(await score());
    expect(await linearScore(referenceEngine, clouds(3, 5, 1), test, 7)).toBeTypeOf('number');
    expect(await linearScore(referenceEngine, clouds(3, 4, 1), test, 7)).toBeUndefined();
  });

  it.each([24, 25, 300])('reports progress on %i rows to the end', async (rows) => {
    const reported: [done: number, total: number][] = [];
    const onProgress = (done: number, total: number) => void reported.push([done, total]);
    await linearScore(referenceEngine, clouds(3, rows, 1), clouds(3, 20, 1), 7, { onProgress });
    const [total] = new Set(reported.map(([, total]) => total));
    expect(reported.length).toBeGreaterThan(50);
    expect(reported.at(-1)).toEqual([total, total]);
    expect(reported.map(([done]) => done)).toEqual(reported.map(([done]) => done).toSorted((a, b) => a - b));
  });
});
