import { describe, expect, it } from 'vitest';
import { readFixture } from '../../../tests/support/fixture.ts';
import { normals, seed } from '../../../tests/support/random.ts';
import { rng } from '../../random/rng.ts';
import { principalComponents, projections } from './principal-components.ts';

const { float } = await readFixture('tokens');

describe('principal components', () => {
  it('are those of NumPy, up to their signs', () => {
    const rows = float('components.rows');
    const found = principalComponents(rows, 9, 3);
    const [wanted, variances, places] = ['directions', 'variances', 'places'].map((name) =>
      float(`components.${name}`),
    );
    const got = projections(rows, found);
    expect(found.total).toBeCloseTo(float('components.total')[0]!, 5);
    for (const [k, direction] of found.directions.entries()) {
      const theirs = wanted!.subarray(9 * k, 9 * (k + 1));
      const sign = Math.sign(direction.reduce((sum, value, i) => sum + value * theirs[i]!, 0));
      for (const [i, value] of direction.entries()) expect(sign * value).toBeCloseTo(theirs[i]!, 5);
      expect(found.variances[k]! / variances![k]!).toBeCloseTo(1, 5);
      for (let row = 0; row < 60; row++)
        expect(sign * got[3 * row + k]!).toBeCloseTo(places![3 * row + k]!, 4);
      expect(direction.reduce((sum, value) => sum + value, 0)).toBeGreaterThanOrEqual(0);
    }
  });

  it.each([
    [200, 40],
    [12, 30], // fewer rows than numbers
    [30, 3],
    [40, 2],
    [9, 1],
  ])('of %i random rows of %i numbers are eigenvectors of the covariance', (n, width) => {
    const random = rng(seed, n, width);
    const scales = normals(random, width, 2);
    const rows = normals(random, n * width, 1).map((value, i) => 3 + value * scales[i % width]!);
    const { directions, variances, mean, total } = principalComponents(rows, width, 3);
    expect(directions.length, `seed ${seed}`).toBe(Math.min(3, width));
    const centred = (row: number, i: number) => rows[row * width + i]! - mean[i]!;
    for (const [k, direction] of directions.entries()) {
      const image = direction.map((_, i) => {
        let sum = 0;
        for (let row = 0; row < n; row++) {
          let along = 0;
          for (let j = 0; j < width; j++) along += centred(row, j) * direction[j]!;
          sum += (along * centred(row, i)) / (n - 1);
        }
        return sum;
      });
      for (const [i, value] of image.entries())
        expect(Math.abs(value - variances[k]! * direction[i]!), `seed ${seed}`).toBeLessThan(1e-4 * total);
      if (k > 0) expect(variances[k]!, `seed ${seed}`).toBeLessThanOrEqual(variances[k - 1]! * (1 + 1e-9));
    }
  });

  it('of equal rows have no variance, and finite directions', () => {
    const { directions, variances, total } = principalComponents(new Float32Array(20).fill(0.3), 4, 3);
    expect(total).toBeCloseTo(0, 12);
    expect(variances).toEqual([0, 0, 0].map((zero) => expect.closeTo(zero, 12)));
    for (const direction of directions) expect(Math.hypot(...direction)).toBeCloseTo(1, 9);
  });

  it('need two rows', () => {
    expect(() => principalComponents(new Float32Array(4), 4, 3)).toThrow('two rows or more');
    expect(() => principalComponents(new Float32Array(6), 4, 3)).toThrow('got 6 values and width 4');
  });
});
