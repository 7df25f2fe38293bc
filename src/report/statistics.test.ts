import { expect, test } from 'vitest';
import { pairedDifference, studentT, summarise } from './statistics.ts';

test('mean, deviation and interval, by hand', () => {
  // 2, 4, 9: mean 5, squares 9 + 1 + 16 = 26, deviation √13, t(2) = 4.3027
  const { n, mean, deviation, interval } = summarise([2, 4, 9]);
  expect([n, mean]).toEqual([3, 5]);
  expect(deviation).toBeCloseTo(3.605551, 6);
  expect(interval).toBeCloseTo((4.3027 * 3.605551) / 1.7320508, 5);
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
  expect(interval).toBeCloseTo((12.7062 * 0.2121320344) / Math.SQRT2, 9);
  expect(pairedDifference(a, new Map([[7, 1]]))).toBeUndefined();
});

test('quantiles of Student’s t enclose 95 %, by integration of the density', () => {
  for (const degrees of [...Array.from({ length: 25 }, (_, i) => i + 1), 60, 1000]) {
    const density = (x: number) => (1 + x ** 2 / degrees) ** (-(degrees + 1) / 2);
    // x = tan(u): the whole line is −π/2 … π/2.
    const integral = (to: number) => {
      const steps = 20_000;
      const h = to / steps;
      let sum = 0;
      for (let i = 0; i < steps; i++) {
        const x = Math.tan((i + 0.5) * h);
        sum += density(x) * (1 + x ** 2);
      }
      return sum * h;
    };
    const share = integral(Math.atan(studentT(degrees))) / integral(Math.PI / 2);
    expect(share).toBeCloseTo(0.95, 4);
  }
});
