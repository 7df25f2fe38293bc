import { describe, expect, it } from 'vitest';
import { type Rng, rng } from '../../random/rng.ts';
import type { RawImage } from '../sources/dataset.ts';
import { type Augment, makeAugmenter } from './augment.ts';
import { colourJitter } from './colour-jitter.ts';
import { upright } from './image.ts';
import { operations } from './operations.ts';
import { parseRandAugment, randAugment } from './rand-augment.ts';

function noise(width: number, height: number, channels: 1 | 3 = 3): RawImage {
  const stream = rng(11, width, height);
  const data = Uint8Array.from({ length: width * height * channels }, () => 20 + stream.int(200));
  return { width, height, channels, data };
}

const fill = [1, 2, 3];
const normalisation = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2] };

describe('randAugment', () => {
  it('carries out each operation equally often, in both directions and interpolations', () => {
    const image = noise(40, 30);
    const table = operations(true);
    const expected = new Map<string, Set<string>>(); // what comes out → which operations give it
    for (const [name, { argument, apply }] of Object.entries(table))
      for (const sign of [1, -1] as const)
        for (const interpolation of ['bilinear', 'bicubic'] as const) {
          const { data } = apply(image, argument(9, sign), { interpolation, fill });
          const key = Buffer.from(data).toString('latin1');
          expected.set(key, (expected.get(key) ?? new Set()).add(`${name} ${sign} ${interpolation}`));
        }
    const policy = parseRandAugment('rand-m9-n1-p1-inc1');
    const counts = new Map<string, number>();
    const n = 3000;
    for (let i = 0; i < n; i++) {
      const { data } = randAugment(image, policy, fill, rng(2, i));
      const key = Buffer.from(data).toString('latin1');
      expect(expected.has(key)).toBe(true);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const [key, ways] of expected) {
      const share = ways.size / (4 * Object.keys(table).length);
      const deviation = Math.abs((counts.get(key) ?? 0) - n * share) / Math.sqrt(n * share);
      expect(deviation, [...ways].join()).toBeLessThan(5);
    }
  });

  it('repeats for the same stream, and does nothing with n0 or p0', () => {
    const image = noise(12, 9);
    const run = (policy: string, seed: number) =>
      randAugment(image, parseRandAugment(policy), fill, rng(seed)).data;
    expect(run('rand-n3-p1', 5)).toEqual(run('rand-n3-p1', 5));
    expect(run('rand-n3-p1', 5)).not.toEqual(run('rand-n3-p1', 6));
    expect(run('rand-m9-n0', 5)).toEqual(image.data);
    expect(run('rand-m9-p0', 5)).toEqual(image.data);
  });

  it('accepts grey', () => {
    for (let i = 0; i < 100; i++) {
      const result = randAugment(noise(9, 7, 1), parseRandAugment('rand-n2-p1'), [9], rng(i));
      expect([result.channels, result.data.length]).toEqual([1, 63]);
    }
  });

  it.each([
    ['augmix-m5', "as in rand-m9-mstd0.5-inc1; got 'augmix-m5'"],
    ['rand-m9-x3', "with a number, as in rand-m9-mstd0.5-inc1; got 'x3' in 'rand-m9-x3'"],
    ['rand-m9-w0', "cannot weight its operations or choose others here, got 'w0' in 'rand-m9-w0'"],
    ['rand-t3a', "choose others here, got 't3a'"],
    ['rand-m9.5', "m of a RandAugment policy must be a whole number from 0 to 1000, got 'm9.5'"],
    ['rand-m', "got 'm'"],
    ['rand-p1.5', "p of a RandAugment policy must lie in [0, 1], got 'p1.5'"],
    ['rand-inc2', "must be 0 or 1, got 'inc2'"],
    ['rand-mstd-1', "must be a number ≥ 0 or inf, got 'mstd'"],
    ['rand-m1e9-m2', "m of a RandAugment policy must be a whole number from 0 to 1000, got 'm1e9'"],
    ['rand-m9-m9', "says m once, got 'rand-m9-m9'"],
    ['', "got ''"],
  ])('refuses %s', (policy, message) => {
    expect(() => parseRandAugment(policy)).toThrow(message);
  });
});

describe('colourJitter', () => {
  it('draws each factor uniformly', () => {
    // Grey 100 answers to the brightness alone; of a red image the colour depends on saturation and brightness.
    const grey: RawImage = { width: 1, height: 1, channels: 3, data: new Uint8Array(3).fill(100) };
    const values = Array.from({ length: 2000 }, (_, i) => colourJitter(grey, 0.4, rng(3, i)).data[0]!);
    expect(Math.min(...values)).toBeLessThanOrEqual(61);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(60);
    expect(Math.max(...values)).toBeGreaterThanOrEqual(138);
    expect(Math.max(...values)).toBeLessThan(140);
    const mean = values.reduce((a, b) => a + b) / values.length;
    expect(Math.abs(mean - 99.5)).toBeLessThan((5 * 23) / Math.sqrt(2000)); // bytes are cut off, ½ less
  });

  it('goes through all orders of brightness, contrast and saturation', () => {
    const calls = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const table = operations(false);
      const factors = [0.7, 1.2, 1.4];
      const stream = { ...fake(factors), permutation: (n: number) => rng(i).permutation(n) } as Rng;
      const result = colourJitter(noise(5, 4), 0.4, stream);
      const order = [...rng(i).permutation(3)];
      const names = ['Brightness', 'Contrast', 'Color'];
      const sampling = { interpolation: 'bicubic', fill } as const;
      const expected = order.reduce(
        (im, k, j) => table[names[k]!]!.apply(im, factors[j]!, sampling),
        noise(5, 4),
      );
      expect(result.data).toEqual(expected.data);
      calls.add(order.join());
    }
    expect(calls.size).toBe(6);
  });
});

function fake(uniforms: number[]): Partial<Rng> {
  let next = 0;
  return { uniform: () => uniforms[next++]! };
}

describe('makeAugmenter', () => {
  it('prefers RandAugment to colour jitter, as timm does', () => {
    const image = noise(8, 8);
    const both = makeAugmenter({ randAugment: 'rand-n0', colourJitter: 0.4, normalisation }, 3);
    expect(both.image(image, rng(1)).data).toEqual(image.data);
    const jitter = makeAugmenter({ colourJitter: 0.4, normalisation }, 3);
    expect(jitter.image(image, rng(1)).data).not.toEqual(image.data);
    expect(makeAugmenter({ normalisation }, 3).image(image, rng(1))).toBe(image);
  });

  it.each([
    [{ randAugment: 'rnd' }, 'a RandAugment policy is'],
    [{ colourJitter: -1 }, 'the colour jitter must be a number ≥ 0, got -1'],
    [{ erasing: { probability: 2 } }, 'the erasing probability must lie in [0, 1], got 2'],
    [{ erasing: { probability: 1, count: 0 } }, 'rectangles must be a positive integer, got 0'],
    [{ normalisation: { mean: [0.5], std: [0.2] } }, 'mean and std of 3 channels, got [0.5] and [0.2]'],
  ])('refuses %o', (settings, message) => {
    expect(() => makeAugmenter({ normalisation, ...settings } as Augment, 3)).toThrow(message);
  });
});

describe('upright', () => {
  it('mirrors, and changes the number of channels', () => {
    const colour: RawImage = {
      width: 2,
      height: 1,
      channels: 3,
      data: Uint8Array.of(10, 20, 30, 40, 50, 60),
    };
    expect([...upright(colour, 3, true).data]).toEqual([40, 50, 60, 10, 20, 30]);
    expect(upright(colour, 3, false)).toBe(colour);
    expect([...upright(colour, 1, true).data]).toEqual([48, 18]); // 0.299 r + 0.587 g + 0.114 b
    const grey: RawImage = { width: 2, height: 1, channels: 1, data: Uint8Array.of(7, 9) };
    expect([...upright(grey, 3, true).data]).toEqual([9, 9, 9, 7, 7, 7]);
    expect([...upright(grey, 1, true).data]).toEqual([9, 7]);
  });
});
