import { readFile } from 'node:fs/promises';
import { describe, expect, it, test } from 'vitest';
import { seed } from '../../tests/support/random.ts';
import { rng } from '../random/rng.ts';
import { correlationOverSeeds, rankCorrelation, spearman } from './ranks.ts';
import {
  chance,
  type Entry,
  holm,
  pairedDifference,
  pooledDifference,
  pooledResidual,
  summarise,
} from './statistics.ts';
import { probability, quantile } from './student.ts';

/** Results of SciPy and NumPy. */
const fixture = JSON.parse(await readFile(new URL('statistics.fixture.json', import.meta.url), 'utf8')) as {
  student: { t: number; degrees: number; p: number }[];
  quantiles: { degrees: number; t: number }[];
  paired: { a: number[]; b: number[]; p: number; interval: [number, number] }[];
  twoWay: { entries: Entry[]; degrees: number; deviation: number | null }[];
  holm: { p: number[]; adjusted: number[] }[];
  ranks: { a: number[]; b: number[]; rho: number }[];
  bootstrap: { scores: number[][]; reference: number[]; rho: number; interval: [number, number] }[];
};

test('mean, deviation and interval, by hand', () => {
  // 2, 4, 9: mean 5, squares 9 + 1 + 16 = 26, deviation √13, t(2) = 4.3027
  const { n, mean, deviation, interval } = summarise([2, 4, 9]);
  expect([n, mean]).toEqual([3, 5]);
  expect(deviation).toBeCloseTo(3.605551, 6);
  expect(interval).toBeCloseTo((4.302653 * 3.605551) / 1.7320508, 5);
  expect(summarise([0.5])).toEqual({ n: 1, mean: 0.5 });
  expect(() => summarise([])).toThrow('at least one number');
});

test('paired differences take the seeds that both have', () => {
  const a = new Map([
    [0, 0.5],
    [1, 0.7],
    [2, 0.9],
  ]);
  const b = new Map([
    [1, 0.6],
    [2, 0.5],
    [3, 0.1],
  ]);
  // 0.1 and 0.4: mean 0.25, deviation √(2 · 0.15²) = 0.212132, t(1) = 12.7062
  const { n, mean, deviation, interval } = pairedDifference(a, b)!;
  expect(n).toBe(2);
  expect(mean).toBeCloseTo(0.25, 12);
  expect(deviation).toBeCloseTo(0.2121320344, 9);
  expect(interval).toBeCloseTo((12.706205 * 0.2121320344) / Math.SQRT2, 6);
  expect(pairedDifference(a, new Map([[7, 1]]))).toBeUndefined();
});

describe('beside SciPy and NumPy', () => {
  it('probabilities and quantiles of Student’s t', () => {
    for (const { t, degrees, p } of fixture.student) expect(probability(t, degrees)).toBeCloseTo(p, 12);
    for (const { degrees, t } of fixture.quantiles) expect(quantile(degrees)).toBeCloseTo(t, 9);
    expect(() => probability(1, 0)).toThrow('whole degrees of freedom above 0, got 0');
  });

  it('paired tests', () => {
    for (const { a, b, p, interval } of fixture.paired) {
      const entries = (values: number[]) => new Map(values.map((value, i) => [i, value]));
      const difference = pairedDifference(entries(a), entries(b))!;
      expect(chance(difference)).toBeCloseTo(p, 10);
      expect(difference.mean - difference.interval!).toBeCloseTo(interval[0], 10);
      expect(difference.mean + difference.interval!).toBeCloseTo(interval[1], 10);
    }
  });

  it('residuals of two-way tables, also with gaps', () => {
    for (const { entries, degrees, deviation } of fixture.twoWay) {
      const residual = pooledResidual(entries);
      expect(residual?.degrees ?? 0).toBe(degrees);
      if (deviation !== null) expect(residual!.deviation).toBeCloseTo(deviation, 6);
    }
  });

  it('Holm’s adjustment', () => {
    for (const { p, adjusted } of fixture.holm)
      for (const [i, value] of holm(p).entries()) expect(value).toBeCloseTo(adjusted[i]!, 12);
    expect(holm([])).toEqual([]);
  });

  it('rank correlations, also with ties, and their bootstrap beside all resamples', () => {
    for (const { a, b, rho } of fixture.ranks) expect(spearman(a, b)).toBeCloseTo(rho, 12);
    for (const { scores, reference, rho, interval } of fixture.bootstrap) {
      const found = rankCorrelation(scores, reference)!;
      expect(found.rho).toBeCloseTo(rho, 12);
      expect(found.interval![0]).toBeCloseTo(interval[0], 9);
      expect(found.interval![1]).toBeCloseTo(interval[1], 9);
      expect(rankCorrelation(scores, reference)).toEqual(found); // seeded
    }
    expect(spearman([1, 2], [3, 4])).toBeUndefined();
    expect(spearman([1, 2, 3], [5, 5, 5])).toBeUndefined();
    expect(rankCorrelation([[1], [2], [3]], [1, 3, 2])).toEqual({ rho: 0.5 });
  });
});

describe('rank correlations over models', () => {
  const models = (pairs: readonly (readonly [seed: number, a: number, b: number])[]) =>
    correlationOverSeeds(pairs.map(([seed, a, b]) => ({ seed, a, b })));

  it('lie between those of all resamples of seeds', () => {
    const of = (seed: number, sign: number) =>
      [1, 2, 3, 4].map((x) => [seed, x, sign * x + 10 * seed] as const);
    expect(models([...of(0, 1), ...of(1, 1)])!.rho).toBeGreaterThan(0.4);
    const mixed = models([...of(0, 1), ...of(0, 1), ...of(1, -1)])!;
    expect(mixed.interval).toEqual([-1, 1]); // seed 1 alone, seed 0 alone
  });

  it('have no interval of one seed, and are undefined for two models', () => {
    expect(
      models([
        [0, 1, 3],
        [0, 2, 1],
        [0, 3, 2],
      ]),
    ).toEqual({ rho: -0.5 });
    expect(
      models([
        [0, 1, 3],
        [1, 2, 1],
      ]),
    ).toBeUndefined();
  });
});

describe('pooled differences', () => {
  const table = (rows: Record<string, number[]>): Entry[] =>
    Object.entries(rows).flatMap(([arm, values]) => values.map((value, seed) => ({ arm, seed, value })));

  it('by hand', () => {
    // Residuals of arm + seed: ±0.1 in two arms of two seeds, 0.4 and 0.2 apart: squares 4 · 0.05² with 1 degree.
    const entries = table({ a: [1, 2], b: [1.4, 2.2] });
    expect(pooledResidual(entries)!.degrees).toBe(1);
    expect(pooledResidual(entries)!.deviation).toBeCloseTo(0.1, 12);
    const { n, mean, interval, p } = pooledDifference(entries, 'b', 'a')!;
    expect([n, Number(mean.toFixed(12))]).toEqual([2, 0.3]);
    expect(interval).toBeCloseTo(12.706205 * 0.1, 6);
    expect(p).toBeCloseTo(1 - (2 / Math.PI) * Math.atan(3), 12);
  });

  it('of two arms are the paired ones, where no other arm adds to the spread', () => {
    const stream = rng(seed, 'pairs');
    for (let run = 0; run < 10; run++) {
      const values = () => Array.from({ length: 5 }, () => stream.normal());
      const [a, b] = [values(), values()];
      const pooled = pooledDifference(table({ a, b }), 'a', 'b')!;
      const paired = summarise(a.map((value, i) => value - b[i]!));
      expect(pooled.interval, `seed ${seed}`).toBeCloseTo(paired.interval!, 9);
      expect(pooled.p, `seed ${seed}`).toBeCloseTo(chance(paired)!, 9);
    }
  });

  it('have no interval without a spread, and none without pairs', () => {
    expect(pooledDifference(table({ a: [1], b: [2] }), 'b', 'a')).toEqual({ n: 1, mean: 1 });
    expect(pooledDifference(table({ a: [1] }), 'a', 'b')).toBeUndefined();
  });
});
