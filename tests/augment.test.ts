import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { erase } from '../src/data/augment/erasing.ts';
import { operations } from '../src/data/augment/operations.ts';
import { drawMagnitude, parseRandAugment } from '../src/data/augment/rand-augment.ts';
import type { RawImage } from '../src/data/sources/dataset.ts';
import { IMAGENET } from '../src/image/normalise.ts';
import { rng } from '../src/random/rng.ts';

// Made by tests/oracle/make_augment_fixture.py from timm and Pillow.
const fixture = JSON.parse(readFileSync(new URL('fixtures/augment.json', import.meta.url), 'utf8')) as {
  fill: number[];
  images: { height: number; width: number; channels: 1 | 3; data: string }[];
  operations: {
    image: number;
    name: string;
    argument: number;
    interpolation?: 'bilinear' | 'bicubic';
    bytes: string;
  }[];
  levels: { name: string; level: number; sign: 1 | -1; argument: number }[];
  policies: {
    policy: string;
    magnitude: number;
    layers: number;
    probability: number;
    deviation: number | 'inf';
    maximum: number;
    names: string[];
  }[];
  erasing: {
    height: number;
    width: number;
    count: number;
    erased: number;
    levels: number[];
    share: number[];
    aspect: number[];
  }[];
  noise: { mean: number[]; std: number[] };
};
const table = { ...operations(false), ...operations(true) };
const images = fixture.images.map(
  ({ data, ...rest }): RawImage => ({ ...rest, data: new Uint8Array(Buffer.from(data, 'base64')) }),
);

describe('an operation of RandAugment', () => {
  it.each([...new Set(fixture.operations.map(({ name }) => name))])(
    'gives the bytes of Pillow: %s',
    (name) => {
      const cases = fixture.operations.filter((each) => each.name === name);
      for (const { image: index, argument, interpolation = 'bicubic', bytes } of cases) {
        const image = images[index]!;
        const before = image.data.slice();
        const result = table[name]!.apply(image, argument, { interpolation, fill: fixture.fill });
        const label = `image ${index}, argument ${argument}, ${interpolation}`;
        expect([...result.data], label).toEqual([...Buffer.from(bytes, 'base64')]);
        expect(result).toMatchObject({ width: image.width, height: image.height, channels: image.channels });
        expect(image.data).toEqual(before);
      }
    },
  );

  it('turns a magnitude into the argument of timm', () => {
    for (const { name, level, sign, argument } of fixture.levels) {
      expect(table[name]!.argument(level, sign), `${name} at ${sign} × ${level}`).toBeCloseTo(argument, 12);
    }
  });

  it('posterizes to black when no bits are left', () => {
    expect(table.Posterize!.apply(images[0]!, 0, { interpolation: 'bicubic', fill: [] }).data).toEqual(
      new Uint8Array(images[0]!.data.length),
    );
  });
});

describe('a policy', () => {
  it.each(fixture.policies)('is read as timm reads it: $policy', ({ policy, names, deviation, ...rest }) => {
    const read = parseRandAugment(policy);
    const { increasing, ...numbers } = read;
    expect(numbers).toEqual({
      ...rest,
      deviation: deviation === 'inf' ? Number.POSITIVE_INFINITY : deviation,
    });
    expect(Object.keys(operations(increasing)).sort()).toEqual([...names].sort());
  });

  it('draws its magnitudes', () => {
    const draw = (policy: string) => {
      const stream = rng(4, policy);
      const parsed = parseRandAugment(policy);
      return Array.from({ length: 4000 }, () => drawMagnitude(parsed, stream));
    };
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    const deviation = (values: number[]) => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));
    expect(new Set(draw('rand-m9'))).toEqual(new Set([9]));
    const normal = draw('rand-m7-mstd0.5');
    expect(Math.abs(mean(normal) - 7)).toBeLessThan(0.04); // five standard errors
    expect(Math.abs(deviation(normal) - 0.5)).toBeLessThan(0.03);
    const uniform = draw('rand-m8-mstdinf');
    expect(Math.abs(mean(uniform) - 4)).toBeLessThan(0.2);
    expect(Math.max(...uniform)).toBeLessThan(8);
    expect(Math.abs(deviation(uniform) - 8 / Math.sqrt(12))).toBeLessThan(0.1);
  });
});

describe('random erasing', () => {
  it.each(fixture.erasing)('has the rectangles of timm: $height × $width, count $count', (expected) => {
    const { height, width, count, levels } = expected;
    const trials = 4000;
    const shares: number[] = [];
    const aspects: number[] = [];
    const constant = { mean: [0], std: [1] };
    for (let trial = 0; trial < trials; trial++) {
      const view = new Uint8Array(height * width).fill(1);
      erase(view, 0, [height, width], constant, { probability: 0.4, mode: 'const', count }, rng(8, trial));
      const at = [...view.keys()].filter((i) => view[i] === 0);
      if (at.length === 0) continue;
      shares.push(at.length / view.length);
      const columns = at.map((i) => i % width);
      const rows = Math.floor(at.at(-1)! / width) - Math.floor(at[0]! / width) + 1;
      aspects.push(rows / (Math.max(...columns) - Math.min(...columns) + 1));
    }
    expect(Math.abs(shares.length / trials - expected.erased)).toBeLessThan(0.045);
    // The share of our samples below timm's quantile: five standard errors, and steps of whole pixels.
    const below = (values: number[], limit: number) =>
      values.filter((v) => v <= limit).length / values.length;
    const above = (values: number[], limit: number) => values.filter((v) => v < limit).length / values.length;
    for (const [i, level] of levels.entries())
      for (const [values, limit] of [
        [shares, expected.share[i]!],
        [aspects, expected.aspect[i]!],
      ] as const) {
        expect(below(values, limit + 5e-4)).toBeGreaterThan(level - 0.05);
        expect(above(values, limit - 5e-4)).toBeLessThan(level + 0.05);
      }
  });

  it('fills with normal noise, put back to bytes', () => {
    const [height, width] = [300, 300];
    const plane = height * width;
    const samples: number[][] = [[], [], []];
    for (let trial = 0; samples[0]!.length < 20000; trial++) {
      const view = new Uint8Array(3 * plane + 5).fill(1); // 1 is rare in the noise
      erase(view, 5, [height, width], IMAGENET, { probability: 1 }, rng(9, trial));
      expect([...view.subarray(0, 5)]).toEqual([1, 1, 1, 1, 1]);
      for (const [c, values] of samples.entries())
        for (const v of view.subarray(5 + c * plane, 5 + (c + 1) * plane)) if (v !== 1) values.push(v);
    }
    for (const [c, values] of samples.entries()) {
      const mean = values.reduce((a, b) => a + b) / values.length;
      const std = Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / values.length);
      expect(Math.abs(mean - fixture.noise.mean[c]!)).toBeLessThan(2.5); // five standard errors
      expect(Math.abs(std - fixture.noise.std[c]!)).toBeLessThan(2);
    }
  });

  it('fills with one colour, or the mean', () => {
    const fill = (mode: 'rand' | 'const', seed: number) => {
      const view = new Uint8Array(3 * 64).fill(3);
      erase(view, 0, [8, 8], IMAGENET, { probability: 1, mode }, rng(seed));
      return [0, 64, 128].map((at) => new Set(view.subarray(at, at + 64).filter((v) => v !== 3)));
    };
    expect(fill('const', 1)).toEqual([new Set([124]), new Set([116]), new Set([104])]);
    const colours = [1, 2, 3].map((seed) => fill('rand', seed));
    for (const colour of colours.flat()) expect(colour.size).toBe(1);
    expect(new Set(colours.map((colour) => [...colour[0]!][0]))).toHaveProperty('size', 3);
  });
});
