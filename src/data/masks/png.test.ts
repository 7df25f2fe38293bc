import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { encodePalettePng, vocPalette } from '../../io/palette-png.ts';
import { rng } from '../../random/rng.ts';
import { DataError } from '../error.ts';
import { decodeMask, packColour } from './png.ts';

// Written by tests/oracle/make_label_fixtures.py with Pillow and ImageMagick.
const url = (name: string) => new URL(`../../../tests/fixtures/labels/${name}`, import.meta.url);
const labels = JSON.parse(readFileSync(url('labels.json'), 'utf8')) as Record<
  string,
  { kind: string; shape: [number, number]; values: number[] }
>;

describe('masks of other programs keep what they store', () => {
  it.each(Object.entries(labels))('%s', (name, { kind, shape, values }) => {
    const mask = decodeMask(readFileSync(url(`${name}.png`)));
    expect([mask.kind, mask.height, mask.width]).toEqual([kind, ...shape]);
    expect([...mask.data]).toEqual(values);
  });
});

it('what this library writes, sharp shows in the colours of the palette, and the indices come back', async () => {
  const random = rng(seed);
  const [height, width] = [1 + random.int(40), 1 + random.int(40)];
  const data = Uint8Array.from({ length: height * width }, () => random.int(256));
  const png = encodePalettePng({ width, height, data }, vocPalette());
  const mask = decodeMask(png);
  expect([mask.kind, [...mask.data]], `seed ${seed}`).toEqual(['values', [...data]]);
  const shown = await sharp(png).removeAlpha().raw().toBuffer();
  expect([...shown], `seed ${seed}`).toEqual([...data].flatMap((index) => [...vocPalette()[index]!]));
  expect(mask.palette![15]).toBe(packColour([192, 128, 128])); // a person in PASCAL VOC
});

it('transparent pixels are refused, with the remedy', async () => {
  const raw = { width: 2, height: 1, channels: 4 } as const;
  const png = await sharp(Uint8Array.from([9, 9, 9, 255, 9, 9, 9, 0]), { raw })
    .png()
    .toBuffer();
  expect(() => decodeMask(png)).toThrow('a mask must be opaque, got 1 transparent pixels');
});

it('a JPEG is refused, with the reason', async () => {
  const jpeg = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  expect(() => decodeMask(jpeg)).toThrow('write it as PNG where its labels were made (a JPEG has lost them)');
});

it('pixels beyond the size that the header names are refused before they take memory', () => {
  const small = Buffer.from(
    encodePalettePng({ width: 4, height: 4, data: new Uint8Array(16) }, vocPalette(2)),
  );
  const at = small.indexOf('IDAT');
  const bomb = deflateSync(Buffer.alloc(2 ** 28), { level: 9 });
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bomb.length);
  const file = Buffer.concat([small.subarray(0, at - 4), length, Buffer.from('IDAT'), bomb, Buffer.alloc(4)]);
  expect(() => decodeMask(file)).toThrow(DataError);
  const large = Buffer.from(small);
  large.writeUInt32BE(2 ** 30, 16);
  expect(() => decodeMask(large)).toThrow('pixels at most');
});

it('damaged files give an error of the data, or a mask of the size in their header', () => {
  const random = rng(seed, 'fuzz');
  const files = Object.keys(labels).map((name) => readFileSync(url(`${name}.png`)));
  for (let i = 0; i < 10_000; i++) {
    let bytes = Buffer.from(files[random.int(files.length)]!);
    for (let n = 1 + random.int(4); n > 0; n--) bytes[random.int(bytes.length)] = random.int(256);
    if (random.int(3) === 0) bytes = bytes.subarray(0, random.int(bytes.length + 1));
    try {
      const { width, height, data } = decodeMask(bytes);
      expect(data.length, `seed ${seed}, file ${i}`).toBe(width * height);
    } catch (error) {
      expect(error, `seed ${seed}, file ${i}`).toBeInstanceOf(DataError);
    }
  }
});
