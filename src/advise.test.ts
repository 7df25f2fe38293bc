import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../tests/support/temporary-folder.ts';
import { advise } from './advise.ts';
import { surveyImages } from './data/statistics/survey.ts';
import { rng } from './random/rng.ts';
import { openData } from './run/data.ts';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);

/** A PNG of 20 × 20 random samples below 256, of 8 bits or, as microscopes write them, of 16. */
async function png(file: string, channels: 1 | 3 | 4, seed: number, bits: 8 | 16 = 8): Promise<void> {
  const samples = Array.from({ length: 400 * channels }, (_, i) => rng(seed, i).int(256));
  const raw = { width: 20, height: 20, channels };
  const image = sharp(bits === 8 ? Uint8Array.from(samples) : Uint16Array.from(samples), { raw });
  await (bits === 8 ? image : image.toColourspace('grey16')).png().toFile(file);
}

beforeAll(async () => {
  for (const [name, channels, bits] of [
    ['grey', 1, 8],
    ['colours', 3, 8],
    ['alpha', 4, 8],
    ['deep', 1, 16],
  ] as const) {
    await mkdir(at(name));
    for (let i = 0; i < 4; i++) await png(at(name, `${i}.png`), channels, i, bits);
  }
});

describe('advise', () => {
  it('reads samples in the range that is given', async () => {
    const { config } = await advise(at('deep'), { given: { data: { range: [0, 255] } } });
    expect(config.data.mean).toEqual([expect.closeTo(0.5, 1)]);
    expect(config.data.std).toEqual([expect.closeTo(0.29, 1)]);
  });

  it.each([
    ['grey', { model: { channels: 3 } }, 3],
    ['grey', { data: { mean: [0.5, 0.5, 0.5] } }, 3],
    ['grey', { data: { std: [0.2, 0.2, 0.2] } }, 3],
    ['colours', { model: { channels: 1 } }, 1],
    ['colours', { data: { mean: [0.5] } }, 1],
    ['alpha', { model: { channels: 4 } }, 4],
    ['alpha', { model: { channels: 1 } }, 1],
    ['alpha', {}, 3],
  ])(
    'images that are %s have statistics of the channels that are given: %j',
    async (name, given, channels) => {
      const { config } = await advise(at(name), { given });
      expect(config.model.channels).toBe(channels);
      expect([config.data.mean.length, config.data.std.length]).toEqual([channels, channels]);
    },
  );

  it.each([
    [1, 0, 1],
    [1, 3, 1],
    [2, 9, 2],
    [3, 12, 2],
  ])('%d images, and %d broken ones, make %d parts that can be read', async (good, bad, parts) => {
    const name = `${good}-${bad}`;
    await mkdir(at(name));
    for (let i = 0; i < good; i++) await png(at(name, `${2 * i}.png`), 3, i);
    for (let i = 0; i < bad; i++) await writeFile(at(name, `${2 * i + 1}.png`), 'no image');
    const { config } = await advise(at(name));
    const { heldOut, train } = await openData({ seed: 0, data: { ...config.data, source: at(name) } });
    expect(heldOut ? 2 : 1).toBe(parts);
    for (const part of heldOut ? [heldOut, train] : [train]) await surveyImages(part); // rejects where none can be read
  });

  it('refuses channels that no image has, with the remedy', async () => {
    await expect(advise(at('grey'), { given: { model: { channels: 4 } } })).rejects.toThrow(
      /no image of .* the model takes images of 4 channels, got .* leave out model\.channels, data\.mean and data\.std/,
    );
  });
});
