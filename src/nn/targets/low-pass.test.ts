import { expect, it } from 'vitest';
import { imagenet } from '../../../tests/support/degrade.ts';
import { evaluate } from '../../../tests/support/evaluate.ts';
import { normals, withRandom } from '../../../tests/support/random.ts';
import { relativeError } from '../../../tests/support/task-fixture.ts';
import { constant } from '../../graph/index.ts';
import { lowPass } from '../fourier.ts';
import { patchify } from '../patches.ts';
import { lowPassPixels } from './low-pass.ts';

const context = { image: [24, 40], patch: 8, channels: 3, ...imagenet } as const;

/** A wave of k periods down and l across. */
const wave = (k: number, l: number) => (y: number, x: number) =>
  Math.cos(2 * Math.PI * ((k * y) / 24 + (l * x) / 40) + 1);

const imageOf = (value: (y: number, x: number) => number) =>
  constant(
    Float32Array.from({ length: 3 * 24 * 40 }, (_, i) => value(Math.floor(i / 40) % 24, i % 40)),
    [1, 3, 24, 40],
  );

it('keeps waves of less than 40 periods in 224 pixels, and loses those of more', () => {
  const inside = imageOf((y, x) => wave(4, 1)(y, x) + wave(-1, 6)(y, x)); // 37.6 and 34.9
  const both = imageOf((y, x) => wave(4, 1)(y, x) + wave(-1, 6)(y, x) + wave(5, 0)(y, x) + wave(3, 6)(y, x)); // 46.7, 43.8
  const expected = evaluate(lowPassPixels.of(inside, context));
  expect(relativeError(evaluate(lowPassPixels.of(both, context)), expected)).toBeLessThan(1e-5);
});

it('goes back to the pixels of the filtered image', () => {
  withRandom(3, (random) => {
    const image = constant(normals(random, 3 * 24 * 40), [1, 3, 24, 40]);
    const values = lowPassPixels.of(image, context);
    const expected = evaluate(patchify(lowPass(image, 40 / 224), 8));
    expect(relativeError(evaluate(lowPassPixels.toPixels!(values, image, context)), expected)).toBeLessThan(
      1e-9,
    );
  });
});
