import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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
