import { describe, expect, it } from 'vitest';
import { seed, withRandom } from '../../tests/support/random.ts';
import { rng } from '../random/rng.ts';
import { dropPathRates, dropPathScales } from './drop-path.ts';

describe('drop path', () => {
  it('grows linearly with depth, as torch.linspace', () => {
    expect(dropPathRates(0.3, 4)).toEqual([0, 0.09999999999999999, 0.19999999999999998, 0.3]);
    expect(dropPathRates(0.3, 1)).toEqual([0]);
  });

  it('drops with its probability, and keeps the mean', () => {
    const [images, rate, depth] = [20_000, 0.4, 5];
    const sums = new Float64Array(2 * depth);
    const drops = new Float64Array(2 * depth);
    let both = 0;
    for (let image = 0; image < images; image++) {
      const scales = dropPathScales(rng(seed, image), rate, depth);
      scales.forEach((scale, i) => {
        sums[i]! += scale / images;
        if (scale === 0) drops[i]! += 1 / images;
      });
      if (scales[8] === 0 && scales[9] === 0) both += 1 / images;
    }
    dropPathRates(rate, depth).forEach((drop, block) => {
      for (const branch of [2 * block, 2 * block + 1]) {
        const sigma = Math.sqrt((drop * (1 - drop)) / images); // five of them: once in a million runs
        expect(Math.abs(drops[branch]! - drop), `seed ${seed}`).toBeLessThanOrEqual(5 * sigma);
        expect(Math.abs(sums[branch]! - 1), `seed ${seed}`).toBeLessThanOrEqual(
          (5 * sigma) / (1 - drop) + 1e-6,
        );
      }
    });
    // The two branches of a block are drawn independently.
    expect(Math.abs(both - rate ** 2), `seed ${seed}`).toBeLessThan(5 * Math.sqrt((0.16 * 0.84) / images));
  });

  it('multiplies by 0 or 1 / (1 − probability)', () => {
    withRandom(20, (random) => {
      const scales = dropPathScales(random, 0.5, 3);
      for (const [i, drop] of [0, 0, 0.25, 0.25, 0.5, 0.5].entries())
        expect([0, Math.fround(1 / (1 - drop))]).toContain(scales[i]);
      expect([scales[0], scales[1]]).toEqual([1, 1]);
    });
  });
});
