import { describe, expect, it } from 'vitest';
import { whole, withRandom } from '../../../tests/support/random.ts';
import type { Rng } from '../../random/rng.ts';
import { symmetricEigenvalues } from './eigenvalues.ts';

/** A symmetric matrix with given eigenvalues, in directions turned by random reflections. */
function withEigenvalues(random: Rng, values: readonly number[]): Float64Array {
  const n = values.length;
  let a = new Float64Array(n * n);
  values.forEach((value, i) => {
    a[i * n + i] = value;
  });
  for (let turn = 0; turn < n; turn++) {
    const v = Float64Array.from({ length: n }, () => random.normal(0, 1));
    const square = v.reduce((sum, x) => sum + x * x, 0);
    const reflect = (m: Float64Array) => {
      const dots = Array.from({ length: n }, (_, j) => v.reduce((sum, x, i) => sum + x * m[i * n + j]!, 0));
      return m.map((x, at) => x - (2 * v[Math.floor(at / n)]! * dots[at % n]!) / square);
    };
    const transposed = (m: Float64Array) => m.map((_, at) => m[(at % n) * n + Math.floor(at / n)]!);
    a = transposed(reflect(transposed(reflect(a))));
  }
  return a.map((_, at) => (a[at]! + a[(at % n) * n + Math.floor(at / n)]!) / 2);
}

function expectEigenvalues(random: Rng, values: readonly number[]): void {
  const got = symmetricEigenvalues(withEigenvalues(random, values), values.length);
  const largest = Math.max(...values.map(Math.abs), 1e-300);
  values
    .toSorted((a, b) => b - a)
    .forEach((value, i) => {
      expect(Math.abs(got[i]! - value) / largest).toBeLessThan(1e-13 * values.length);
    });
}

describe('eigenvalues of a symmetric matrix', () => {
  it('are the numbers that it was made with', () => {
    withRandom(20, (random) => {
      const scale = 10 ** random.uniform(-20, 20);
      expectEigenvalues(
        random,
        Array.from({ length: whole(random, 1, 40) }, () => scale * random.normal(0, 1)),
      );
    });
  });

  it.each<[string, number[]]>([
    ['equal ones', [2, 2, 2, 2, 2, 2]],
    ['zeros', [0, 0, 0, 0]],
    ['a single direction', [7, 0, 0, 0, 0, 0, 0]],
    ['a steep decay', Array.from({ length: 30 }, (_, i) => 10 ** (-i / 2))],
    ['pairs of opposite sign', [1, -1, 3, -3, 5, -5, 0]],
    ['one', [4]],
  ])('copes with %s', (_, values) => {
    withRandom(5, (random) => expectEigenvalues(random, values));
  });

  it('takes a diagonal matrix as it is, and leaves its input', () => {
    const matrix = Float64Array.of(1, 0, 0, 0, 3, 0, 0, 0, 2);
    expect([...symmetricEigenvalues(matrix, 3)]).toEqual([3, 2, 1]);
    expect([...matrix]).toEqual([1, 0, 0, 0, 3, 0, 0, 0, 2]);
  });

  it('refuses what is not finite', () => {
    expect(() => symmetricEigenvalues(Float64Array.of(Number.NaN), 1)).toThrow('finite numbers');
  });
});
