import { describe, expect, it } from 'vitest';
import { seed, withRandom } from '../../tests/support/random.ts';
import { rng } from '../random/rng.ts';
import { cutBox, drawMixes, type Mix, type MixOptions, mixes, mixShares } from './mix.ts';

const both: MixOptions = { mixup: 0.8, cutmix: 1, mixProbability: 1, mixSwitch: 0.5, mixMode: 'element' };
const size = [16, 24] as const;
const draw = (options: Partial<MixOptions>, images: number, seed: number): Mix[] =>
  drawMixes(
    { ...both, ...options },
    Array.from({ length: images }, (_, i) => rng(seed, i)),
    size,
  );

describe('mixing draws', () => {
  const images = 10_000;
  const share = (found: Mix[], what: (mix: Mix) => boolean) => found.filter(what).length / images;
  const near = (got: number, expected: number) => {
    const sigma = Math.sqrt((expected * (1 - expected)) / images);
    expect(Math.abs(got - expected), `seed ${seed}`).toBeLessThanOrEqual(5 * sigma);
  };

  it('CutMix with the switch probability, and nothing where it is not to mix', () => {
    const found = draw({ mixProbability: 0.7, mixSwitch: 0.25 }, images, seed);
    near(
      share(found, ({ box }) => box !== undefined),
      0.7 * 0.25,
    );
    near(
      share(found, ({ box, own }) => !box && own === 1),
      0.3,
    );
  });

  it('only what is there', () => {
    expect(share(draw({ mixup: 0, mixSwitch: 0 }, images, seed), ({ box }) => box !== undefined)).toBe(1);
    expect(share(draw({ cutmix: 0, mixSwitch: 1 }, images, seed), ({ box }) => box !== undefined)).toBe(0);
    expect(mixes({ ...both, mixup: 0, cutmix: 0 })).toBe(false);
    expect(mixes({ ...both, mixProbability: 0 })).toBe(false);
    expect(mixes(both)).toBe(true);
  });

  it('for the whole batch alike, or for each image', () => {
    const kinds = (options: Partial<MixOptions>) =>
      new Set(draw(options, 100, seed).map(({ own }) => own)).size;
    expect(kinds({ mixMode: 'batch' })).toBe(1);
    expect(kinds({ mixMode: 'element', cutmix: 0 })).toBe(100);
  });

  it("boxes by timm's rule: side // 2 before the centre, (side + 1) // 2 from it on", () => {
    withRandom(300, (random) => {
      const [height, width] = [1 + random.int(40), 1 + random.int(40)];
      const [y, x] = [random.int(height), random.int(width)];
      const own = random.uniform();
      const inside = (pixel: number, centre: number, length: number) => {
        const side = Math.trunc(length * Math.sqrt(1 - own));
        return 2 * (centre - pixel) <= side && 2 * (pixel - centre) < side;
      };
      const { top, bottom, left, right } = cutBox(own, [y, x], [height, width]);
      for (let row = 0; row < height; row++)
        expect(row >= top && row < bottom, `row ${row}`).toBe(inside(row, y, height));
      for (let column = 0; column < width; column++)
        expect(column >= left && column < right, `column ${column}`).toBe(inside(column, x, width));
    });
  });

  it('shares that are the pixels of the boxes', () => {
    withRandom(50, (random) => {
      const found = drawMixes(both, [random], size);
      const { rows, columns } = mixShares(found, size);
      const taken = rows.reduce((a, b) => a + b, 0) * columns.reduce((a, b) => a + b, 0);
      expect(taken / (size[0] * size[1])).toBeCloseTo(1 - found[0]!.own, 5);
    });
  });

  it('the same for the same streams', () => {
    expect(draw({}, 20, seed)).toEqual(draw({}, 20, seed));
    expect(draw({}, 20, seed)).not.toEqual(draw({}, 20, seed + 1));
  });
});
