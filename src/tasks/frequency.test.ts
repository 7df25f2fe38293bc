import { describe, expect, it } from 'vitest';
import { degradeOne, imagenet } from '../../tests/support/degrade.ts';
import { evaluate } from '../../tests/support/evaluate.ts';
import { normals, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { constant } from '../graph/index.ts';
import type { Size } from '../image/size.ts';
import { patchify } from '../nn/patches.ts';
import { rng } from '../random/rng.ts';
import { frequency } from './frequency.ts';

const RADIUS = 16 / 224;

/** Calls back for each frequency of an image, and says whether it is a low one. */
function eachFrequency([height, width]: Size, visit: (k: number, l: number, low: boolean) => void) {
  for (let k = -Math.floor(height / 2); k < Math.ceil(height / 2); k++)
    for (let l = -Math.floor(width / 2); l < Math.ceil(width / 2); l++)
      visit(k, l, Math.hypot(k / height, l / width) < RADIUS);
}

/** Angle of a wave at each pixel. */
const angles = ([height, width]: Size, k: number, l: number) =>
  Array.from(
    { length: height * width },
    (_, i) => 2 * Math.PI * ((k * Math.floor(i / width)) / height + (l * (i % width)) / width),
  );

/** Real and imaginary part of one frequency of a channel, unscaled. */
function frequencyOf(image: ArrayLike<number>, size: Size, k: number, l: number) {
  const wave = angles(size, k, l);
  const sum = (f: (angle: number) => number) => wave.reduce((sum, angle, i) => sum + image[i]! * f(angle), 0);
  return { re: sum(Math.cos), im: -sum(Math.sin) };
}

describe.each<Size>([
  [16, 15],
  [15, 16],
])('images of %i×%i', (...size) => {
  const [height, width] = size;
  const pixels = height * width;

  it.each([0, 1])('lose the frequencies of one side, low stays: %i', (low) => {
    withRandom(2, (random) => {
      const view = normals(random, 3 * pixels, 0.8);
      const expected = [0, 1, 2].flatMap((c) => {
        const [mean, std] = [imagenet.mean[c]!, imagenet.std[c]!];
        const picture = [...view.slice(c * pixels, (c + 1) * pixels)].map((x) => x * std + mean);
        const kept = new Array(pixels).fill(0);
        eachFrequency(size, (k, l, isLow) => {
          if (isLow !== (low === 1)) return;
          const { re, im } = frequencyOf(picture, size, k, l);
          for (const [i, angle] of angles(size, k, l).entries())
            kept[i] += (re * Math.cos(angle) - im * Math.sin(angle)) / pixels;
        });
        return kept.map((value) => (Math.min(1, Math.max(0, value)) - mean) / std);
      });
      const got = degradeOne(frequency, size, view, { low: Float32Array.of(low) });
      expect(relativeError(got, expected)).toBeLessThan(1e-5);
    });
  });

  it('have the distances of the removed frequencies as their loss, over half of all', () => {
    withRandom(2, (random) => {
      const context = {
        image: size,
        patch: 1,
        channels: 2,
        target: 'none',
        mean: [0, 0],
        std: [1, 1],
      } as const;
      const shape = [2, 2, height, width];
      const [view, predicted] = [normals(random, 4 * pixels), normals(random, 4 * pixels)];
      const low = [1, 0];
      const expected = low.map((stays, b) => {
        let sum = 0;
        for (const c of [0, 1]) {
          const start = (2 * b + c) * pixels;
          const difference = [...view.slice(start, start + pixels)].map((x, i) => predicted[start + i]! - x);
          eachFrequency(size, (k, l, isLow) => {
            if (isLow === (stays === 1)) return;
            const { re, im } = frequencyOf(difference, size, k, l);
            sum += Math.sqrt((re * re + im * im) / pixels + 1e-12);
          });
        }
        return sum / pixels; // half of the frequencies of two channels
      });
      const { losses } = frequency.loss(
        {
          prediction: { all: patchify(constant(predicted, shape), 1) },
          view: constant(view, shape),
          draws: { low: constant(Float32Array.from(low), [2]) },
        },
        context,
      );
      expect(relativeError(evaluate(losses), expected)).toBeLessThan(1e-6);
    });
  });
});

it('keeps each side for half of the images', () => {
  withRandom(2, (random) => {
    const seed = random.uint32();
    const geometry = { image: [8, 8], patch: 8, channels: 3 } as const;
    const drawn = Array.from({ length: 1000 }, (_, i) => frequency.draw(rng(seed, i), geometry).low![0]!);
    expect(new Set(drawn)).toEqual(new Set([0, 1]));
    const low = drawn.reduce((sum, x) => sum + x, 0);
    expect(Math.abs(low - 500)).toBeLessThan(6 * Math.sqrt(250));
  });
});
