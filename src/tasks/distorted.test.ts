import { expect, it } from 'vitest';
import { degradeOne } from '../../tests/support/degrade.ts';
import { normals, whole, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { rng } from '../random/rng.ts';
import { distorted } from './distorted.ts';

it('leaves the image as it is at magnitude 0', () => {
  withRandom(5, (random) => {
    const image = [whole(random, 2, 9), whole(random, 2, 9)] as const;
    const view = normals(random, 3 * image[0] * image[1]);
    const draws = { centre: normals(random, 2), magnitude: Float32Array.of(0) };
    expect(relativeError(degradeOne(distorted, image, view, draws), view)).toBeLessThan(1e-6);
  });
});

/** The sampled place of every pixel, one after the other. */
function naive(view: Float32Array, [height, width]: readonly [number, number], c: Float32Array, k: number) {
  const pixel = (y: number, x: number) =>
    y < 0 || x < 0 || y >= height || x >= width ? 0 : view[y * width + x]!;
  const out: number[] = [];
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const [gx, gy] = [(2 * column) / (width - 1) - 1, (2 * row) / (height - 1) - 1];
      const distance = Math.hypot(c[0]! - gx, c[1]! - gy);
      const x = ((gx + (c[0]! - gx) * distance * k + 1) / 2) * (width - 1);
      const y = ((gy + (c[1]! - gy) * distance * k + 1) / 2) * (height - 1);
      let value = 0;
      for (const yi of [Math.floor(y), Math.floor(y) + 1])
        for (const xi of [Math.floor(x), Math.floor(x) + 1])
          value += pixel(yi, xi) * (1 - Math.abs(x - xi)) * (1 - Math.abs(y - yi));
      out.push(value);
    }
  return out;
}

it('samples bilinearly along the lines to the centre, zeros outside', () => {
  withRandom(20, (random) => {
    const image = [whole(random, 2, 12), whole(random, 2, 12)] as const;
    const view = normals(random, image[0] * image[1]);
    const centre = Float32Array.of(random.uniform(-2, 2), random.uniform(-2, 2));
    // Magnitudes beyond those of the task, also negative ones, so that much lies outside.
    const magnitude = Float32Array.of(random.uniform(-2, 2));
    const got = degradeOne(distorted, image, view, { centre, magnitude });
    expect(relativeError(got, naive(view, image, centre, magnitude[0]!))).toBeLessThan(1e-5);
  });
});

it('draws centres in [−1, 1]² and magnitudes in [0.15, 0.25]', () => {
  withRandom(3, (random) => {
    const seed = random.uint32();
    const geometry = { image: [8, 8], patch: 8, channels: 3 } as const;
    const draws = Array.from({ length: 2000 }, (_, i) => distorted.draw(rng(seed, i), geometry));
    const range = (values: number[]) => [Math.min(...values), Math.max(...values)] as const;
    for (const [values, low, high] of [
      [draws.map(({ centre }) => centre![0]!), -1, 1],
      [draws.map(({ centre }) => centre![1]!), -1, 1],
      [draws.map(({ magnitude }) => magnitude![0]!), 0.15, 0.25],
    ] as const) {
      const [least, most] = range(values);
      const width = high - low;
      expect(least).toBeGreaterThanOrEqual(Math.fround(low));
      expect(most).toBeLessThanOrEqual(Math.fround(high));
      expect(least).toBeLessThan(low + 0.02 * width);
      expect(most).toBeGreaterThan(high - 0.02 * width);
      const average = values.reduce((sum, x) => sum + x, 0) / values.length;
      expect(Math.abs(average - (low + high) / 2)).toBeLessThan(0.04 * width);
    }
  });
});
