import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { rng } from '../../random/rng.ts';
import type { Dataset, RawImage } from '../sources/dataset.ts';
import { openDataset } from '../sources/open.ts';
import { surveyImages } from './survey.ts';

const fixtures = fileURLToPath(new URL('../../../tests/fixtures/survey', import.meta.url));
const folder = temporaryFolder();

/** Images in memory. */
function inMemory(images: readonly RawImage[], more: Partial<Dataset> = {}): Dataset {
  return {
    name: 'in memory',
    length: images.length,
    contentKey: 'x',
    id: (i) => `${i}`,
    image: (i) => images[i]!,
    ...more,
  };
}

/** Stationary noise along rows and columns whose correlation at a distance r is a^r. */
function correlated(side: number, a: number, index: number): RawImage {
  const stream = rng(seed, 'correlated', index);
  const values = new Float64Array(side * side);
  const fresh = () => stream.normal();
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const left = x > 0 ? values[y * side + x - 1]! : undefined;
      values[y * side + x] = left === undefined ? fresh() : a * left + Math.sqrt(1 - a * a) * fresh();
    }
  for (let x = 0; x < side; x++)
    for (let y = 1; y < side; y++)
      values[y * side + x] = a * values[(y - 1) * side + x]! + Math.sqrt(1 - a * a) * values[y * side + x]!;
  const data = Uint8Array.from(values, (value) => Math.min(255, Math.max(0, Math.round(128 + 35 * value))));
  return { width: side, height: side, channels: 1, data };
}

describe(`surveyImages (seed ${seed})`, () => {
  it.each([
    ['colour', 3],
    ['grey', 1],
  ])('%s images of Pillow, tifffile and ImageMagick have the statistics of NumPy', async (name, channels) => {
    const expected = JSON.parse(await readFile(join(fixtures, 'expected.json'), 'utf8'))[name];
    const found = await surveyImages(await openDataset(join(fixtures, name)));
    expect(found).toMatchObject({ images: 4, read: 4, channels, grey: channels === 1 ? 1 : 0, broken: [] });
    expect(found.shorterSide).toEqual({ least: 24, median: 28, most: 32 });
    expect(found.longerSide).toEqual({ least: 28, median: 32, most: 40 });
    for (const key of ['mean', 'std'] as const) {
      expect(found[key]).toHaveLength(channels);
      for (const [c, value] of found[key].entries()) expect(value).toBeCloseTo(expected[key][c], 6);
    }
    expect(found.correlationLength).toBeCloseTo(expected.correlationLength, 6);
  });

  it('finds equal files, copies in another size and format, and broken files, and nothing else', async () => {
    const found = await surveyImages(await openDataset(join(fixtures, 'copies')));
    expect(found.duplicates).toEqual([['photo.png', 'same.png']]);
    expect(found.nearDuplicates).toEqual([['half.png', 'photo.png', 'quality.jpg', 'same.png']]);
    expect(found.broken).toEqual([['broken.jpg', expect.any(String)]]);
    expect(found).toMatchObject({ images: 9, read: 8 });
  });

  it.each([0.5, 0.8, 0.9])('finds the length of a known correlation %f^r', async (a) => {
    const images = Array.from({ length: 30 }, (_, i) => correlated(100, a, i));
    const { correlationLength, channels } = await surveyImages(inMemory(images));
    const wanted = -1 / Math.log(a) / 100;
    expect(channels).toBe(1);
    expect(correlationLength / wanted, `got ${correlationLength}, wanted ${wanted}`).toBeGreaterThan(0.8);
    expect(correlationLength / wanted).toBeLessThan(1.15);
  });

  it.each([
    ['noise', 0],
    ['smooth', 0.9],
  ])('blocks of %s correlate by about %f', async (_, a) => {
    const images = Array.from({ length: 10 }, (_, i) => correlated(120, a, i));
    const { blockCorrelation } = await surveyImages(inMemory(images));
    // The own mean of a block of 10 × 10 pixels takes a little of it.
    expect(blockCorrelation).toBeGreaterThan(a === 0 ? -0.05 : 0.6);
    expect(blockCorrelation).toBeLessThan(a === 0 ? 0.05 : 0.9);
  });

  it('takes the bands of most images, and the classes', async () => {
    const bands = (channels: number): RawImage => ({
      width: 4,
      height: 4,
      channels,
      data: new Uint8Array(16 * channels).fill(51),
    });
    const data = inMemory([bands(5), bands(5), bands(3)], {
      classes: ['a', 'b'],
      labels: Int32Array.of(0, 1, 0),
    });
    const found = await surveyImages(data);
    expect(found).toMatchObject({
      channels: 5,
      classes: 2,
      correlationLength: 0.5,
      duplicates: [['0', '1']],
    });
    expect(found.mean).toEqual([0.2, 0.2, 0.2, 0.2, 0.2].map((value) => expect.closeTo(value, 9)));
  });

  it.each([
    [1, 3, [0.2, 0.2, 0.2]],
    [3, 1, [51, 102, 153].map((value, c) => (value / 255) * [0.299, 0.587, 0.114][c]!)],
  ] as const)('reads images of %d channels in %d', async (stored, channels, parts) => {
    const data = Uint8Array.from({ length: 16 * stored }, (_, i) => 51 * (1 + (i % stored)));
    const found = await surveyImages(inMemory([{ width: 4, height: 4, channels: stored, data }]), {
      channels,
    });
    expect(found.channels).toBe(stored);
    const mean = stored === 1 ? [...parts] : [parts.reduce((sum, part) => sum + part, 0)];
    expect(found.mean).toEqual(mean.map((value) => expect.closeTo(value, 2)));
    expect(found.std).toHaveLength(channels);
  });

  it('reads a sample, the same one each time, and shrinks large images', async () => {
    for (let i = 0; i < 9; i++)
      await sharp({
        create: { width: 400 + 10 * i, height: 300, channels: 3, background: { r: 20 * i, g: 51, b: 102 } },
      })
        .jpeg()
        .toFile(join(folder, `${i}.jpg`));
    const data = await openDataset(folder);
    const [once, again] = [await surveyImages(data, { sample: 4 }), await surveyImages(data, { sample: 4 })];
    expect(once).toEqual({ ...again, readSeconds: expect.any(Number) });
    expect(once).toMatchObject({ images: 9, read: 4, shorterSide: { least: 300, median: 300, most: 300 } });
    expect(once.mean[1]).toBeCloseTo(0.2, 1);
  });

  it('refuses a folder without a readable image', async () => {
    const broken = inMemory([], { length: 2, image: () => Promise.reject(new Error('cut off')) });
    await expect(surveyImages(broken)).rejects.toThrow(
      "no image of 'in memory' can be read: 2 broken images",
    );
  });
});
