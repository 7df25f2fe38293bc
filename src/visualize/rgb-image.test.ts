import sharp from 'sharp';
import { expect, test } from 'vitest';
import { blankImage, checkImage, fitImage, paste, type RgbImage, toPng } from './rgb-image.ts';

const checker: RgbImage = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) };

test('a small picture is enlarged by a whole factor with sharp pixels', async () => {
  const large = await fitImage(checker, 5);
  expect([large.width, large.height]).toEqual([6, 3]);
  const row = [255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 255];
  expect([...large.data]).toEqual([...row, ...row, ...row]);
  expect(await fitImage(checker, 2)).toBe(checker);
});

test('a large picture is shrunk, keeping its proportions and colour', async () => {
  const small = await fitImage(blankImage(300, 200, 77), 90);
  expect([small.width, small.height]).toEqual([90, 60]);
  expect(new Set(small.data)).toEqual(new Set([77]));
});

test('pictures are pasted at their place', () => {
  const canvas = blankImage(4, 2, 9);
  paste(canvas, checker, 1, 1);
  expect([...canvas.data.subarray(0, 12)]).toEqual(Array(12).fill(9));
  expect([...canvas.data.subarray(12)]).toEqual([9, 9, 9, 255, 0, 0, 0, 0, 255, 9, 9, 9]);
});

test('PNG keeps every pixel', async () => {
  const { data, info } = await sharp(await toPng(checker))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.width, info.height, info.channels]).toEqual([2, 1, 3]);
  expect([...data]).toEqual([...checker.data]);
});

test('the data must fit the size', () => {
  expect(() => checkImage({ ...checker, width: 3 })).toThrow('got 1x3 and 6');
});
