import { describe, expect, it } from 'vitest';
import { readFixture } from '../../../tests/support/fixture.ts';
import { normals, withRandom } from '../../../tests/support/random.ts';
import type { Rng } from '../../random/rng.ts';
import type { Rows } from '../algebra/moments.ts';
import { collapseWarning } from './collapse.ts';
import { dse } from './dse.ts';
import { idEst } from './id-est.ts';
import { lidar } from './lidar.ts';
import { linearLeaveOneOut } from './linear-loo.ts';
import { alphaReq, deadDirections, meanCosine, rankMe, variances } from './measures.ts';

const fixture = await readFixture('panel');
const expected: Readonly<Record<string, Readonly<Record<string, number>>>> = fixture.metadata('scores');

function rowsOf(tensor: string): Rows {
  const [count, width] = fixture.shape(tensor) as [number, number];
  return { values: Float64Array.from(fixture.float(tensor)), count, width };
}

/** The measures of features that take nothing but these. */
function measured(rows: Rows) {
  const spectrum = variances(rows);
  return {
    rankMe: rankMe(rows),
    alphaReq: alphaReq(spectrum),
    deadDirections: deadDirections(spectrum),
    meanCosine: meanCosine(rows),
  };
}

describe("measures are NumPy's and SciPy's", () => {
  it.each(['wide', 'tall', 'even'])('of features: %s', (name) => {
    const rows = rowsOf(`${name}.features`);
    const got = {
      ...measured(rows),
      idEst: idEst(rows, fixture.ints(`${name}.order`)),
      linear: linearLeaveOneOut(rows, fixture.ints(`${name}.labels`)),
    };
    for (const [measure, value] of Object.entries(got))
      expect(value, measure).toBeCloseTo(expected[name]![measure]!, 6);
  });

  it.each(['views', 'few'])('of views: %s', (name) => {
    const [images, count, width] = fixture.shape(`${name}.views`) as [number, number, number];
    const values = Float64Array.from(fixture.float(`${name}.views`));
    const views = Array.from({ length: images }, (_, i) => ({
      values: values.subarray(i * count * width, (i + 1) * count * width),
      count,
      width,
    }));
    expect(lidar(views)).toBeCloseTo(expected[name]!.lidar!, 6);
  });

  it.each(['tokens', 'patches'])('of tokens: %s', (name) => {
    const [images, tokens, width] = fixture.shape(`${name}.tokens`) as [number, number, number];
    expect(
      dse({ values: Float64Array.from(fixture.float(`${name}.tokens`)), images, tokens, width }),
    ).toBeCloseTo(expected[name]!.dse!, 6);
  });
});

const isotropic = (random: Rng, count: number, width: number): Rows => ({
  values: Float64Array.from(normals(random, count * width)),
  count,
  width,
});

/** Uniform points of a cube of some dimensions, which lies along the first axes of features. */
function cube(random: Rng, count: number, width: number, dimensions: number): Rows {
  const values = Float64Array.from({ length: count * width }, (_, i) =>
    i % width < dimensions ? random.uniform(-1, 1) : 0,
  );
  return { values, count, width };
}

const ordered = (random: Rng, { count }: Rows) => random.permutation(count);

describe('features with a known answer', () => {
  it('collapsed: one direction, no dimension, and a warning', () => {
    withRandom(5, (random) => {
      const one = normals(random, 24);
      const values = Float64Array.from({ length: 60 * 24 }, (_, i) => one[i % 24]!);
      const rows = { values, count: 60, width: 24 };
      const got = measured(rows);
      expect(got.rankMe).toBeCloseTo(1, 3);
      expect(got.meanCosine).toBeCloseTo(1, 6);
      expect(got.deadDirections).toBeGreaterThan(0.9);
      expect(idEst(rows, ordered(random, rows))).toBeUndefined();
      expect(dse({ values, images: 6, tokens: 10, width: 24 })).toBeUndefined();
      expect(collapseWarning({ images: 60, ...got, alphaReq: 0 })).toMatch(
        /^the features have collapsed: .* got 1\.00000 and 1\.00\. /,
      );
    });
  });

  it('isotropic: full rank, no decay, no dead direction, no common direction', () => {
    withRandom(5, (random) => {
      const got = measured(isotropic(random, 2000, 30));
      expect(got.rankMe).toBeGreaterThan(29.5);
      expect(got.rankMe).toBeLessThan(30.01);
      expect(Math.abs(got.alphaReq!)).toBeLessThan(0.3);
      expect(got.deadDirections).toBe(0);
      expect(Math.abs(got.meanCosine)).toBeLessThan(0.01);
      expect(collapseWarning({ images: 2000, ...got, alphaReq: 0 })).toBeUndefined();
    });
  });

  it('low rank: that rank, that dimension, the others dead', () => {
    withRandom(5, (random) => {
      const rows = cube(random, 800, 20, 3);
      const got = measured(rows);
      expect(got.rankMe).toBeGreaterThan(2.9);
      expect(got.rankMe).toBeLessThan(3.01);
      expect(got.deadDirections).toBeCloseTo(17 / 20, 10);
      const dimension = idEst(rows, ordered(random, rows));
      expect(dimension).toBeGreaterThan(2.4);
      expect(dimension).toBeLessThan(3.7);
    });
  });

  it('variances that fall as a power: that power', () => {
    const spectrum = Float64Array.from({ length: 128 }, (_, i) => 5 * (i + 1) ** -1.3);
    expect(alphaReq(spectrum)).toBeCloseTo(1.3, 10);
    expect(alphaReq(spectrum.slice(0, 15))).toBeUndefined();
  });

  it('views that hardly differ: nearly every image counts', () => {
    withRandom(3, (random) => {
      const views = (spread: number, apart: number) =>
        Array.from({ length: 12 }, () => {
          const centre = normals(random, 40, apart);
          const values = Float64Array.from(
            { length: 6 * 40 },
            (_, i) => centre[i % 40]! + random.normal(0, spread),
          );
          return { values, count: 6, width: 40 };
        });
      expect(lidar(views(1e-3, 1))).toBeGreaterThan(8);
      expect(lidar(views(1e-3, 1))).toBeLessThan(11.01);
      expect(lidar([{ values: new Float64Array(40), count: 1, width: 40 }])).toBeUndefined();
    });
  });

  it('a linear classifier finds classes on separate axes, and none in noise', () => {
    withRandom(3, (random) => {
      const labels = Int32Array.from({ length: 120 }, (_, i) => i % 4);
      const values = Float64Array.from(normals(random, 120 * 8, 0.1));
      labels.forEach((label, i) => {
        values[i * 8 + label]! += 2;
      });
      expect(linearLeaveOneOut({ values, count: 120, width: 8 }, labels)).toBe(1);
      expect(
        linearLeaveOneOut(
          isotropic(random, 400, 8),
          Int32Array.from({ length: 400 }, () => random.int(4)),
        )!,
      ).toBeLessThan(0.4);
      expect(linearLeaveOneOut(isotropic(random, 5, 2), new Int32Array(5))).toBeUndefined();
    });
  });
});
