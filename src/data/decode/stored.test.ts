import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { centreCrop, type Size } from './crop.ts';
import { decodeImage, decodeView } from './decode.ts';

const folder = new URL('../../../tests/fixtures/images/', import.meta.url);
const pathOf = (file: string) => fileURLToPath(new URL(file, folder));

interface Case {
  readonly file: string;
  readonly madeBy: string;
  readonly channels: number | null;
  readonly range: [number, number] | null;
  readonly shape: [number, number, number];
  readonly bytes: string;
  readonly error?: string;
}
const cases: Case[] = JSON.parse(readFileSync(new URL('images.json', folder), 'utf8'));
const reading = ({ channels, range }: Case) => ({
  channels: channels ?? undefined,
  range: range ?? undefined,
});
const title = '$file of $madeBy, $channels channels, range $range';

describe('files of other programs', () => {
  it.each(cases.filter(({ error }) => !error))(`${title}: the bytes of NumPy`, async (given) => {
    const image = await decodeImage(pathOf(given.file), reading(given));
    expect([image.height, image.width, image.channels]).toEqual(given.shape);
    expect([...image.data]).toEqual([...Buffer.from(given.bytes, 'base64')]);
  });

  it.each(cases.filter(({ error }) => error))(`${title}: refused`, async (given) => {
    const refusal = { name: 'DataError', message: expect.stringContaining(given.error!) };
    await expect(decodeImage(pathOf(given.file), reading(given))).rejects.toMatchObject(refusal);
    const choose = (size: Size) => centreCrop(1)(undefined as never, size, [4, 4]);
    const view = decodeView({ kind: 'file', file: pathOf(given.file) }, choose, () => {}, reading(given));
    await expect(view).rejects.toMatchObject(refusal);
  });
});

describe('16-bit samples without a range', () => {
  const [width, height] = [8, 8];
  const file = (sample: (i: number) => number, channels: 1 | 2 | 3, format: 'png' | 'tiff') =>
    sharp(
      Uint16Array.from({ length: width * height * channels }, (_, i) => sample(i)),
      {
        raw: { width, height, channels },
      },
    )
      .toColourspace(channels === 3 ? 'rgb16' : 'grey16')
      .toFormat(format, { compression: 'lzw' } as object)
      .toBuffer();

  it.each([
    ['grey', 'png', 1],
    ['colour', 'png', 3],
    ['grey', 'tiff', 1],
    ['colour', 'tiff', 3],
  ] as const)('%s %s: refused where they differ and all become one byte', async (_, format, channels) => {
    const dark = await file((i) => (Math.floor(i / channels) % 4) * 60, channels, format);
    await expect(decodeImage(dark)).rejects.toThrow(
      'samples from 0 to 180 must not all become 0 of 255, as on the range from 0 to 65535 they do: data.range',
    );
    const read = await decodeImage(dark, { range: [0, 255] });
    expect(new Set(read.data)).toEqual(new Set([0, 60, 120, 180]));
  });

  it('taken where all are the same, or nothing is opaque', async () => {
    const flat = await decodeImage(await file(() => 100, 1, 'png'));
    expect(new Set(flat.data)).toEqual(new Set([0]));
    const clear = await decodeImage(await file((i) => (i % 2 ? 0 : i % 200), 2, 'png'));
    expect(new Set(clear.data)).toEqual(new Set([255]));
  });
});

describe('a TIFF that is cut off', () => {
  it.each(['bands-5-tiles.tif', 'bands-12-planes.tif', 'bands-3.tif', 'grey-float64.tif'])(
    '%s: refused in a plain line',
    async (file) => {
      const bytes = readFileSync(pathOf(file));
      for (let share = 0.1; share < 1; share += 0.1) {
        const cut = bytes.subarray(0, Math.floor(share * bytes.length));
        await expect(decodeImage(cut), `${share}`).rejects.toThrow(/^the TIFF ends|cut off/);
      }
    },
  );
});
