import { expect, it } from 'vitest';
import { seed } from '../../tests/support/random.ts';
import { beta } from './beta.ts';
import { rng } from './rng.ts';

// Mean ½, variance 1 / (4 (2 alpha + 1)), fourth central moment 3 / (16 (2 alpha + 1) (2 alpha + 3)).
it.each([0.05, 0.2, 0.8, 1, 3])(
  'numbers of the beta distribution with alpha %d have its moments',
  (alpha) => {
    const stream = rng(seed, 'beta');
    const numbers = Array.from({ length: 40_000 }, () => beta(stream, alpha));
    expect(numbers.every((x) => x >= 0 && x <= 1)).toBe(true);
    const moment = (power: number) =>
      numbers.reduce((sum, x) => sum + (x - 0.5) ** power, 0) / numbers.length;
    const variance = 1 / (4 * (2 * alpha + 1));
    const fourth = 3 / (16 * (2 * alpha + 1) * (2 * alpha + 3));
    const within = (spread: number) => 5 * Math.sqrt(spread / numbers.length);
    expect(Math.abs(moment(1)), `seed ${seed}`).toBeLessThan(within(variance));
    expect(Math.abs(moment(2) - variance), `seed ${seed}`).toBeLessThan(within(fourth - variance ** 2));
  },
);

it('refuses alphas of nothing', () => {
  expect(() => beta(rng(0), 0)).toThrow('alpha of a beta distribution must be above 0, got 0');
});
