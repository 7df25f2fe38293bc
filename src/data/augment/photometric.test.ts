import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { rng } from '../../random/rng.ts';
import { drawPhotometric, type PhotometricDraws, photometric } from './photometric.ts';

// Written by tests/oracle/make_photometric_fixture.py with Python's colorsys.
const url = new URL('../../../tests/fixtures/photometric.json', import.meta.url);
const cases = JSON.parse(readFileSync(url, 'utf8')) as {
  draws: PhotometricDraws;
  pixels: number[][];
  distorted: number[][];
}[];

it('distorts pixels as the oracle does, to the last level', () => {
  let apart = 0;
  for (const { draws, pixels, distorted } of cases) {
    const image = { width: pixels.length, height: 1, channels: 3, data: Uint8Array.from(pixels.flat()) };
    const before = image.data.slice();
    const { data } = photometric(image, draws);
    expect(image.data).toEqual(before);
    for (const [i, value] of distorted.flat().entries()) {
      // A half may be rounded either way, and the next step doubles it.
      expect(Math.abs(data[i]! - value), JSON.stringify(draws)).toBeLessThanOrEqual(2);
      if (data[i] !== value) apart++;
    }
  }
  expect(apart).toBeLessThan(0.005 * cases.length * 84);
});

it('draws each change in half of the cases, within its range', () => {
  const drawn = Array.from({ length: 4000 }, (_, i) => drawPhotometric(rng(seed, i)));
  const ranges = {
    brightness: [-32, 32],
    contrast: [0.5, 1.5],
    saturation: [0.5, 1.5],
    hue: [-36, 36],
  } as const;
  for (const [name, [low, high]] of Object.entries(ranges)) {
    const values = drawn
      .map((each) => each[name as keyof typeof ranges])
      .filter((value) => value !== undefined);
    expect(Math.abs(values.length / drawn.length - 0.5), `${name}, seed ${seed}`).toBeLessThan(0.04);
    expect(Math.min(...values) >= low && Math.max(...values) <= high).toBe(true);
    expect(Math.abs(values.reduce((a, b) => a + b, 0) / values.length - (low + high) / 2)).toBeLessThan(
      (high - low) / 20,
    );
  }
});
