import { expect, test } from 'vitest';
import { hideTokens, type Planes, toImage, toShownImage } from './image.ts';
import { blankImage } from './rgb-image.ts';

const planes = (channels: number, height: number, width: number, ...values: number[]): Planes => ({
  channels,
  height,
  width,
  data: Float32Array.from(values),
});

test('planes become pixels: rounded, clipped', () => {
  expect(toImage(planes(3, 1, 2, 0.5, 0.75, 0.5, -4, 0.25, 4.75))).toEqual({
    width: 2,
    height: 1,
    data: Uint8Array.of(128, 128, 64, 191, 0, 255),
  });
});

test('one channel is grey, of more than three the first three count, NaN is black', () => {
  expect([...toImage(planes(1, 1, 2, 1, 0.2)).data]).toEqual([255, 255, 255, 51, 51, 51]);
  expect([...toImage(planes(2, 1, 1, 0.2, 1)).data]).toEqual([51, 51, 51]);
  expect([...toImage(planes(4, 1, 1, 0, 0.2, Number.NaN, 1)).data]).toEqual([0, 51, 0]);
});

test('what lies beyond black and white is scaled, all channels alike; rounding is not', () => {
  const inside = planes(3, 1, 2, 0.5, 0.75, 0.5, 0, 0.25, 1.015);
  expect(toShownImage(inside)).toEqual({ picture: toImage(inside), scaled: false });
  const ramp = planes(1, 10, 100, ...Array.from({ length: 1000 }, (_, i) => -3 + (7 * i) / 999));
  const { picture, scaled } = toShownImage(ramp);
  const grey = picture.data.filter((_, i) => i % 3 === 0);
  expect(scaled).toBe(true);
  expect(new Set(grey).size).toBe(256); // clipping would make two thirds of them black or white
  expect([grey[0], grey[500], grey[999]]).toEqual([0, 128, 255]);
  const colours = toShownImage(planes(3, 1, 2, -1, 1, 0, 2, 1, 3)).picture.data;
  expect([...colours]).toEqual([0, 64, 128, 128, 191, 255]);
  expect(toShownImage(planes(1, 1, 3, 5, 5, 5)).picture.data.every((x) => x === 0)).toBe(true);
  expect(toShownImage(planes(1, 1, 2, Number.NaN, 0.5)).scaled).toBe(false);
});

test('shapes are checked', () => {
  expect(() => toImage(planes(3, 2, 2, 1))).toThrow('shape [3, 2, 2] must hold as many values, got 1');
});

test('removed tokens are grey, the others stay', () => {
  const image = blankImage(6, 4, 200); // 2 × 3 patches of 2 pixels
  const hidden = hideTokens(image, [true, false, false, false, false, true], [2, 3], 2);
  const rows = Array.from({ length: 4 }, (_, y) =>
    Array.from({ length: 6 }, (_, x) => hidden.data[(y * 6 + x) * 3]),
  );
  expect(rows).toEqual([
    [128, 128, 200, 200, 200, 200],
    [128, 128, 200, 200, 200, 200],
    [200, 200, 200, 200, 128, 128],
    [200, 200, 200, 200, 128, 128],
  ]);
  expect(new Set(image.data)).toEqual(new Set([200]));
  expect(hideTokens(image, Float32Array.of(1, 0, 0, 0, 0, 1), [2, 3], 2)).toEqual(hidden);
  expect(() => hideTokens(image, [true], [2, 3], 2)).toThrow('each of the 6 patches, got 1');
  expect(() => hideTokens(image, [true], [3, 2], 2)).toThrow('must cover the image, got 4x6');
});
