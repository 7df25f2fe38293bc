import { expect, it } from 'vitest';
import { degradeOne } from '../../tests/support/degrade.ts';
import { normals, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { superResolution } from './super-resolution.ts';

it('replaces each block of 2×2 pixels by its mean', () => {
  withRandom(5, (random) => {
    const [height, width] = [6, 8];
    const view = normals(random, height * width);
    const pixel = (y: number, x: number) => view[y * width + x]!;
    const expected = Array.from(view, (_, i) => {
      const [y, x] = [Math.floor(i / width), i % width].map((at) => at - (at % 2)) as [number, number];
      return (pixel(y, x) + pixel(y, x + 1) + pixel(y + 1, x) + pixel(y + 1, x + 1)) / 4;
    });
    expect(relativeError(degradeOne(superResolution, [height, width], view), expected)).toBeLessThan(1e-6);
  });
});

it('keeps a flat picture of odd sides', () => {
  const flat = new Float32Array(7 * 9).fill(0.5);
  expect(relativeError(degradeOne(superResolution, [7, 9], flat), flat)).toBeLessThan(1e-6);
});
