import { describe, expect, it } from 'vitest';
import { degradeOne, imagenet } from '../../tests/support/degrade.ts';
import { normals, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { rng } from '../random/rng.ts';
import { deColorized, deColorizedHsv } from './de-colorized.ts';

describe('de-colorized', () => {
  it('mixes the channels into all of them', () => {
    withRandom(5, (random) => {
      const view = normals(random, 3 * 12);
      const w = normals(random, 3);
      const grey = Array.from(
        { length: 12 },
        (_, i) => w[0]! * view[i]! + w[1]! * view[12 + i]! + w[2]! * view[24 + i]!,
      );
      const got = degradeOne(deColorized, [3, 4], view, { channel_weights: w });
      expect(relativeError(got, [...grey, ...grey, ...grey])).toBeLessThan(1e-6);
    });
  });

  it('draws weights in [0, ⅔)', () => {
    withRandom(3, (random) => {
      const seed = random.uint32();
      const geometry = { image: [8, 8], patch: 8, channels: 3 } as const;
      const weights = Array.from({ length: 1000 }, (_, i) => [
        ...deColorized.draw(rng(seed, i), geometry).channel_weights!,
      ]).flat();
      expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...weights)).toBeLessThanOrEqual(Math.fround(2 / 3));
      expect(Math.min(...weights)).toBeLessThan(0.01);
      expect(Math.max(...weights)).toBeGreaterThan(0.65);
      const average = weights.reduce((sum, w) => sum + w, 0) / weights.length;
      expect(Math.abs(average - 1 / 3)).toBeLessThan(0.022);
    });
  });
});

/** Hue in [0, 6), saturation and value of a colour (A. R. Smith, "Color gamut transform pairs", 1978). */
function hsv([r, g, b]: readonly [number, number, number]) {
  const value = Math.max(r, g, b);
  const chroma = value - Math.min(r, g, b);
  const sector = value === r ? (g - b) / chroma : value === g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma;
  return { hue: (sector + 6) % 6, saturation: chroma / value, value };
}

it('de-colorized-hsv keeps hue and value and 0.3 of the saturation', () => {
  withRandom(20, (random) => {
    const pixels = 12;
    const picture = Float32Array.from({ length: 3 * pixels }, () => random.uniform(0.05, 1));
    const channel = (i: number) => Math.floor(i / pixels);
    const view = picture.map((u, i) => (u - imagenet.mean[channel(i)]!) / imagenet.std[channel(i)]!);
    const got = degradeOne(deColorizedHsv, [3, 4], view).map(
      (x, i) => x * imagenet.std[channel(i)]! + imagenet.mean[channel(i)]!,
    );
    for (let i = 0; i < pixels; i++) {
      const colour = (from: ArrayLike<number>) => hsv([from[i]!, from[pixels + i]!, from[2 * pixels + i]!]);
      const [before, after] = [colour(picture), colour(got)];
      if (before.saturation < 0.01) continue; // no hue to speak of
      expect(after.value).toBeCloseTo(before.value, 5);
      expect(after.saturation).toBeCloseTo(0.3 * before.saturation, 5);
      expect(Math.abs(((after.hue - before.hue + 9) % 6) - 3)).toBeLessThan(1e-3);
    }
  });
});
