import { expect, it } from 'vitest';
import { degradeOne, imagenet } from '../../tests/support/degrade.ts';
import { normals, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { noise } from './noise.ts';

it('adds noise of 75 levels of 255 to the picture, and stays between black and white', () => {
  withRandom(5, (random) => {
    const size = [6, 5] as const;
    const view = Float32Array.from({ length: 90 }, (_, i) => {
      const c = Math.floor(i / 30);
      return (random.uniform() - imagenet.mean[c]!) / imagenet.std[c]!;
    });
    const draws = { noise: normals(random, 90) };
    const got = degradeOne(noise, size, view, draws);
    const expected = [...view].map((value, i) => {
      const [mean, std] = [imagenet.mean[Math.floor(i / 30)]!, imagenet.std[Math.floor(i / 30)]!];
      const noisy = value * std + mean + (75 / 255) * draws.noise[i]!;
      return (Math.min(1, Math.max(0, noisy)) - mean) / std;
    });
    expect(relativeError(got, expected)).toBeLessThan(1e-6);
  });
});

it('draws a standard normal for every value', () => {
  withRandom(2, (random) => {
    const drawn = Float32Array.from(noise.draw(random, { image: [64, 32], patch: 8, channels: 3 }).noise!);
    expect(drawn).toHaveLength(3 * 64 * 32);
    const mean = drawn.reduce((sum, x) => sum + x, 0) / drawn.length;
    const variance = drawn.reduce((sum, x) => sum + x * x, 0) / drawn.length;
    expect(Math.abs(mean)).toBeLessThan(6 / Math.sqrt(drawn.length));
    expect(Math.abs(variance - 1)).toBeLessThan(6 * Math.sqrt(2 / drawn.length));
  });
});
