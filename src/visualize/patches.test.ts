import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Planes } from './image.ts';
import { denormalisePatches, patchify, patchStatistics, unpatchify } from './patches.ts';

/** 2 channels, 2 × 4 pixels: tens are the channel's. */
const image: Planes = {
  channels: 2,
  height: 2,
  width: 4,
  data: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17),
};

test('a patch is ordered by pixel row, pixel column, channel, or channel first', () => {
  expect([...patchify(image, 2)]).toEqual([0, 10, 1, 11, 4, 14, 5, 15, 2, 12, 3, 13, 6, 16, 7, 17]);
  expect([...patchify(image, 2, 'channels-first')]).toEqual([
    0, 1, 4, 5, 10, 11, 14, 15, 2, 3, 6, 7, 12, 13, 16, 17,
  ]);
});

const sizes = fc.record({
  rows: fc.integer({ min: 1, max: 4 }),
  columns: fc.integer({ min: 1, max: 4 }),
  patch: fc.integer({ min: 1, max: 4 }),
  channels: fc.integer({ min: 1, max: 4 }),
  order: fc.constantFrom('channels-last' as const, 'channels-first' as const),
});

test('unpatchify undoes patchify on any grid', () => {
  fc.assert(
    fc.property(sizes, ({ rows, columns, patch, channels, order }) => {
      const [height, width] = [rows * patch, columns * patch];
      const any: Planes = {
        channels,
        height,
        width,
        data: Float32Array.from({ length: channels * height * width }, (_, i) => i),
      };
      expect(unpatchify(patchify(any, patch, order), [rows, columns], patch, channels, order)).toEqual(any);
    }),
  );
});

test('statistics: unbiased, per channel or over the whole patch', () => {
  // patch 0: channel 0 is 0 1 4 5 (mean 2.5, variance 17/3), channel 1 is ten more
  const channel = patchStatistics(image, 2, 'channel');
  expect([...channel.mean]).toEqual([2.5, 12.5, 4.5, 14.5]);
  for (const scale of channel.scale) expect(scale).toBeCloseTo(Math.sqrt(17 / 3) + 1e-6, 6);
  const patch = patchStatistics(image, 2, 'patch');
  expect([...patch.mean]).toEqual([7.5, 7.5, 9.5, 9.5]);
  // around 7.5: 2 · 17 + 8 · 25 = 234 over 7
  for (const scale of patch.scale) expect(scale).toBeCloseTo(Math.sqrt(234 / 7 + 1e-6), 6);
  const none = patchStatistics(image, 2, 'none');
  expect([...none.mean, ...none.scale]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
});

test('a flat patch has the smallest scale, and a patch of one pixel is no NaN', () => {
  const flat: Planes = { channels: 1, height: 2, width: 2, data: new Float32Array(4).fill(0.5) };
  expect(patchStatistics(flat, 2, 'channel').scale[0]).toBeCloseTo(1e-6, 12);
  expect(patchStatistics(flat, 2, 'patch').scale[0]).toBeCloseTo(1e-3, 9);
  expect([...patchStatistics(flat, 1, 'channel').mean]).toEqual([0.5, 0.5, 0.5, 0.5]);
});

test('denormalising a perfect prediction gives the image back', () => {
  const kinds = fc.constantFrom('channel' as const, 'patch' as const, 'none' as const);
  const samples = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }));
  fc.assert(
    fc.property(sizes, kinds, samples, ({ rows, columns, patch, channels, order }, kind, stream) => {
      const [height, width] = [rows * patch, columns * patch];
      const data = Float32Array.from({ length: channels * height * width }, () => stream.next().value);
      const clean: Planes = { channels, height, width, data };
      const statistics = patchStatistics(clean, patch, kind);
      const patches = patchify(clean, patch, order);
      const length = patch * patch * channels;
      const target = patches.map((value, i) => {
        const c = order === 'channels-last' ? i % channels : Math.floor((i % length) / (patch * patch));
        const at = Math.floor(i / length) * channels + c;
        return (value - statistics.mean[at]!) / statistics.scale[at]!;
      });
      const restored = unpatchify(
        denormalisePatches(target, statistics, order),
        [rows, columns],
        patch,
        channels,
        order,
      );
      restored.data.forEach((value, i) => {
        expect(value).toBeCloseTo(data[i]!, 5);
      });
    }),
    { numRuns: 60 },
  );
});

test('sizes are checked', () => {
  expect(() => patchify(image, 4)).toThrow('patches of 4 pixels must cover the image, got 2x4');
  expect(() => unpatchify(new Float32Array(5), [1, 2], 2, 3)).toThrow(
    '1x2 patches of 2x2x3 must hold as many values, got 5',
  );
  expect(() => denormalisePatches(new Float32Array(5), patchStatistics(image, 2, 'none'))).toThrow(
    '2 patches of 2 channels, got 5',
  );
});
