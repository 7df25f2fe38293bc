import { expect, it } from 'vitest';
import { degradeOne } from '../../tests/support/degrade.ts';
import { normals, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { rng } from '../random/rng.ts';
import { blurred } from './blurred.ts';

const geometry = (...image: [number, number]) => ({ image, patch: 1, channels: 3 });

it('leaves the image as it is under filters that pass one channel', () => {
  withRandom(3, (random) => {
    const view = normals(random, 3 * 5 * 7);
    const weight = new Float32Array(81);
    for (let c = 0; c < 3; c++) weight[(c * 3 + c) * 9 + 4] = 1;
    expect(degradeOne(blurred, [5, 7], view, { weight, bias: new Float32Array(3) })).toEqual([...view]);
  });
});

it('correlates with the filters, zeros around, and adds the bias', () => {
  withRandom(3, (random) => {
    const [height, width] = [6, 5];
    const view = normals(random, 3 * height * width);
    const { weight, bias } = { weight: normals(random, 81), bias: normals(random, 3) };
    const expected: number[] = [];
    for (let out = 0; out < 3; out++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          let value = bias[out]!;
          for (let c = 0; c < 3; c++)
            for (let dy = -1; dy <= 1; dy++)
              for (let dx = -1; dx <= 1; dx++) {
                const inside = y + dy >= 0 && y + dy < height && x + dx >= 0 && x + dx < width;
                const tap = weight[((out * 3 + c) * 3 + dy + 1) * 3 + dx + 1]!;
                if (inside) value += tap * view[(c * height + y + dy) * width + x + dx]!;
              }
          expected.push(value);
        }
    const got = degradeOne(blurred, [height, width], view, { weight, bias });
    expect(relativeError(got, expected)).toBeLessThan(1e-6);
  });
});

it('has filters of 7×7 where the shorter side is 96 or more, else of 3×3', () => {
  expect(blurred.draws(geometry(96, 224)).weight!.shape).toEqual([3, 3, 7, 7]);
  expect(blurred.draws(geometry(95, 224)).weight!.shape).toEqual([3, 3, 3, 3]);
});

it.each([
  [224, 49, 0.02, 1 / Math.sqrt(147)],
  [32, 9, 0.02, 1 / Math.sqrt(27)],
])('draws filters and biases for %i pixels', (side, taps, deviation, bound) => {
  withRandom(3, (random) => {
    const seed = random.uint32();
    const draws = Array.from({ length: 400 }, (_, i) => blurred.draw(rng(seed, i), geometry(side, side)));
    const weights = draws.flatMap(({ weight }) => [...weight!]);
    const average = weights.reduce((sum, w) => sum + w, 0) / weights.length;
    const variance = weights.reduce((sum, w) => sum + (w - average) ** 2, 0) / weights.length;
    expect(Math.abs(average - 1 / taps)).toBeLessThan((6 * deviation) / Math.sqrt(weights.length));
    expect(Math.abs(Math.sqrt(variance) / deviation - 1)).toBeLessThan(5 / Math.sqrt(weights.length));
    const biases = draws.flatMap(({ bias }) => [...bias!]);
    expect(Math.max(...biases.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
    expect(Math.max(...biases)).toBeGreaterThan(0.97 * bound);
    expect(Math.min(...biases)).toBeLessThan(-0.97 * bound);
  });
});
