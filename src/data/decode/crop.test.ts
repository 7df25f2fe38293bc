import { describe, expect, it } from 'vitest';
import { fc } from '../../../tests/support/random.ts';
import { rng } from '../../random/rng.ts';
import { type Crop, centreCrop, randomResizedCrop, type Size } from './crop.ts';

const size = fc.tuple(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 700 }));

function expectInside({ box, resized, window }: Crop, image: Size, view: Size) {
  expect(box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0).toBe(true);
  expect(box.x + box.width).toBeLessThanOrEqual(image[1]);
  expect(box.y + box.height).toBeLessThanOrEqual(image[0]);
  expect(window.x >= 0 && window.y >= 0).toBe(true);
  expect(window.x + window.width).toBeLessThanOrEqual(resized[1]);
  expect(window.y + window.height).toBeLessThanOrEqual(resized[0]);
  expect([window.height, window.width]).toEqual(view);
  for (const n of [...Object.values(box), ...Object.values(window), ...resized]) {
    expect(Number.isInteger(n)).toBe(true);
  }
}

describe('randomResizedCrop', () => {
  const sampler = randomResizedCrop();

  it('stays inside any image, for any view', () => {
    fc.assert(
      fc.property(fc.nat(), size, size, (seed, image, view) => {
        expectInside(sampler(rng(seed), image, view), image, view);
      }),
    );
  });

  it('depends on the random stream alone', () => {
    const draw = (seed: number) => sampler(rng(seed, 'crop'), [375, 500], [224, 224]);
    expect(draw(3)).toEqual(draw(3));
    expect(draw(4)).not.toEqual(draw(3));
  });

  // In a square image nearly every try fits (the rest is redrawn), so the shares and aspects are those drawn.
  it('draws area, aspect, place and mirroring as it says', () => {
    const r = rng(5, 'distribution');
    const n = 20_000;
    const image = 1000;
    const crops = Array.from({ length: n }, () => sampler(r, [image, image], [224, 224]));
    const areas = crops.map(({ box }) => (box.width * box.height) / image ** 2);
    const aspects = crops.map(({ box }) => box.width / box.height);
    expect(Math.min(...areas)).toBeGreaterThan(0.198);
    expect(Math.min(...aspects)).toBeGreaterThan(0.745);
    expect(Math.max(...aspects)).toBeLessThan(1.345);
    // Areas up to 3/4 always fit: uniform there.
    const low = areas.filter((a) => a < 0.75);
    const share = low.filter((a) => a < 0.475).length / low.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.015);
    const small = crops.filter((_, i) => areas[i]! < 0.75);
    const upright = small.filter(({ box }) => box.width < box.height).length / small.length;
    expect(Math.abs(upright - 0.5)).toBeLessThan(0.015);
    const quarter =
      small.filter(({ box }) => box.width / box.height < Math.sqrt(3 / 4)).length / small.length;
    expect(Math.abs(quarter - 0.25)).toBeLessThan(0.015);
    const place = small.reduce((sum, { box }) => sum + box.x / (image - box.width), 0) / small.length;
    expect(Math.abs(place - 0.5)).toBeLessThan(0.01);
    const flips = crops.filter(({ flip }) => flip).length / n;
    expect(Math.abs(flips - 0.5)).toBeLessThan(0.012);
  });

  it('falls back to the largest central cut of an allowed aspect', () => {
    const wide = sampler(rng(1), [30, 3000], [224, 224]);
    expect(wide.box).toEqual({ x: 1480, y: 0, width: 40, height: 30 });
    const tall = sampler(rng(1), [3000, 30], [224, 224]);
    expect(tall.box).toEqual({ x: 0, y: 1480, width: 30, height: 40 });
    const whole = randomResizedCrop({ scale: [3, 3] })(rng(1), [50, 60], [224, 224]);
    expect(whole.box).toEqual({ x: 0, y: 0, width: 60, height: 50 });
  });

  it('keeps the stretching of a view that is not square within 4/3', () => {
    const r = rng(6);
    for (let i = 0; i < 500; i++) {
      const { box } = sampler(r, [900, 1600], [128, 256]);
      const stretch = (box.width / box.height) * (128 / 256);
      expect(stretch > 0.74 && stretch < 1.35).toBe(true);
    }
  });
});

describe('centreCrop', () => {
  it('resizes the short side to 256 and keeps the central 224', () => {
    const crop = centreCrop()(rng(0), [375, 500], [224, 224]);
    expect(crop.resized).toEqual([256, 341]);
    expect(crop.window).toEqual({ x: 59, y: 16, width: 224, height: 224 });
    expect(crop.box).toEqual({ x: 0, y: 0, width: 500, height: 375 });
    expect(crop.flip).toBe(false);
  });

  it('stays inside any image, for any view', () => {
    fc.assert(
      fc.property(size, size, fc.double({ min: 0.3, max: 1, noNaN: true }), (image, view, ratio) => {
        expectInside(centreCrop(ratio)(rng(0), image, view), image, view);
      }),
    );
    expect(centreCrop(1)(rng(0), [32, 32], [32, 32]).resized).toEqual([32, 32]);
  });

  it('says what it needs', () => {
    expect(() => centreCrop(0)).toThrow('the crop ratio must lie in (0, 1], got 0');
  });
});
