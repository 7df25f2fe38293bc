import { expect, it } from 'vitest';
import { fc } from '../../../tests/support/random.ts';
import { nearestDivisor } from './preview.ts';

it.each([
  [224, 16],
  [256, 16],
  [128, 8],
  [100, 5],
  [96, 6],
  [64, 4],
  [384, 24],
  [97, 1],
])('images of %i pixels have patches of %i', (side, patch) => {
  expect(nearestDivisor(side, side / 14)).toBe(patch);
});

it('no divisor is nearer', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 600 }),
      fc.double({ min: 0, max: 600, noNaN: true }),
      (n, wanted) => {
        const found = nearestDivisor(n, wanted);
        expect(n % found).toBe(0);
        for (let other = 1; other <= n; other++)
          if (n % other === 0)
            expect(Math.abs(other - wanted)).toBeGreaterThanOrEqual(Math.abs(found - wanted));
      },
    ),
  );
});
