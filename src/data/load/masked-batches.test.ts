import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { CIFAR10 } from '../../image/normalise.ts';
import { rng } from '../../random/rng.ts';
import type { Crop } from '../decode/crop.ts';
import { scaleJitter } from '../decode/scale-jitter.ts';
import { readMask } from '../masks/read.ts';
import { writeShapes } from '../shapes/write.ts';
import type { Dataset } from '../sources/dataset.ts';
import { openDataset } from '../sources/open.ts';
import type { Batch } from './batch.ts';
import { evaluationBatches, trainingBatches } from './loader.ts';

const folder = temporaryFolder();
let shapes: Dataset;
beforeAll(async () => {
  await writeShapes(join(folder, 'shapes'), { train: 12, val: 0, size: 48, seed });
  shapes = await openDataset(`masks:${join(folder, 'shapes')}`);
  // Pictures of one flat colour a class, as large as their masks.
  for (let i = 0; i < shapes.length; i++) {
    const { width, height, data } = await readMask(shapes.masks!.source(i), shapes.masks!.table!);
    const levels = Uint8Array.from({ length: 3 * data.length }, (_, j) => 60 + 60 * data[Math.floor(j / 3)]!);
    const png = await sharp(levels, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    await writeFile(join(folder, 'shapes/images/train', shapes.id(i)), png);
  }
});

const size = [40, 32] as const;
const plane = size[0] * size[1];
const jitter = scaleJitter({ border: [0, 0, 0] });
const augment = { photometric: true, normalisation: CIFAR10 };

async function some(options: Partial<Parameters<typeof trainingBatches>[1]>, batches = 6): Promise<Batch[]> {
  const loader = trainingBatches(shapes, { batchSize: 4, size, seed, crop: jitter, masks: {}, ...options });
  const got: Batch[] = [];
  for (let i = 0; i < batches; i++) got.push((await loader.next()).value!);
  await loader.dispose();
  return got;
}

describe('a mask has the crop of its image', () => {
  it('flat colours of classes are those of the mask, and the border is ignored', async () => {
    let [inside, apart, border] = [0, 0, 0];
    for (const { view, masks, indices } of await some({})) {
      expect(masks!.length).toBe(indices.length * plane);
      for (let slot = 0; slot < indices.length; slot++) {
        const own = masks!.subarray(slot * plane, (slot + 1) * plane);
        const pixels = view.subarray(3 * slot * plane, (3 * slot + 1) * plane);
        for (let y = 0; y < size[0]; y++)
          for (let x = 0; x < size[1]; x++) {
            const value = own[y * size[1] + x]!;
            if (value === 255) {
              border++;
              expect(pixels[y * size[1] + x], `seed ${seed}`).toBe(0);
              continue;
            }
            const around = new Set<number>();
            for (let v = Math.max(0, y - 5); v <= Math.min(size[0] - 1, y + 5); v++)
              for (let u = Math.max(0, x - 5); u <= Math.min(size[1] - 1, x + 5); u++)
                if (own[v * size[1] + u] !== 255) around.add(own[v * size[1] + u]!);
            if (around.size > 1) continue;
            inside++;
            // Classes are 60 apart.
            if (Math.abs(pixels[y * size[1] + x]! - 60 - 60 * value) > 15) apart++;
          }
      }
    }
    // The image's filter shows shapes that lie between the pixels which the mask takes.
    expect(apart / inside, `seed ${seed}`).toBeLessThan(0.02);
    expect(inside).toBeGreaterThan(2 * plane);
    expect(border).toBeGreaterThan(0);
  });

  it('is the same on threads, from a later cursor, and with colours distorted', async () => {
    const here = await some({ threads: false });
    const there = await some({ threads: true });
    const later = await some({ cursor: here[1]!.cursor }, 4);
    const distorted = await some({ augment });
    const onThreads = await some({ augment, threads: true });
    for (const [i, { masks, view }] of here.entries()) {
      expect(there[i]!.masks, `seed ${seed}`).toEqual(masks);
      expect(there[i]!.view).toEqual(view);
      expect(distorted[i]!.masks).toEqual(masks);
      expect(onThreads[i]!.view).toEqual(distorted[i]!.view);
      if (i >= 2) expect(later[i - 2]!.masks).toEqual(masks);
    }
    expect(distorted.some(({ view }, i) => !view.every((x, j) => x === here[i]!.view[j]))).toBe(true);
  });

  it('shows two classes or more where a class may not fill too much', async () => {
    const share = (masks: Uint8Array) => {
      const crowded = Array.from({ length: masks.length / plane }, (_, slot) => {
        const own = masks.subarray(slot * plane, (slot + 1) * plane).filter((x) => x !== 255);
        const counts = [0, 1, 2, 3].map((k) => own.filter((x) => x === k).length);
        return Math.max(...counts) / own.length >= 0.75;
      });
      return crowded.filter(Boolean).length;
    };
    const total = async (masks: object) =>
      (await some({ masks, crop: scaleJitter({ scale: [2, 2] }) }, 12)).reduce(
        (n, batch) => n + share(batch.masks!),
        0,
      );
    expect(await total({ largest: 0.75 }), `seed ${seed}`).toBeLessThan(await total({}));
  });

  it('in evaluation as well; nothing is read without the wish, and without masks it is refused', async () => {
    const loader = evaluationBatches(shapes, { batchSize: 5, size: [48, 48], seed, masks: {} });
    const batches = [];
    for await (const batch of loader) batches.push(batch);
    expect(batches.map(({ masks }) => masks!.length)).toEqual([5, 5, 5].map((n) => n * 48 * 48));
    expect((await some({ masks: undefined as never }, 1))[0]!.masks).toBeUndefined();
    const { masks: _, ...bare } = shapes;
    expect(() => trainingBatches(bare, { batchSize: 2, size, seed, masks: {} })).toThrow(
      'masks are loaded where images have some',
    );
  });
});

it('scale jitter draws sizes and windows as mmsegmentation does', () => {
  const sides: number[] = [];
  for (let i = 0; i < 300; i++) {
    const crop = scaleJitter()(rng(seed, i), [300, 500], [128, 128]) as Crop;
    const [rows, columns] = crop.resized;
    sides.push(rows / 128);
    expect(Math.abs(columns / rows - 5 / 3)).toBeLessThan(0.02);
    expect(crop.window.y + Math.min(rows, 128)).toBeLessThanOrEqual(Math.max(rows, 128));
    expect(crop.window.x >= 0 && crop.window.y >= 0).toBe(true);
  }
  expect(Math.min(...sides)).toBeLessThan(0.6);
  expect(Math.max(...sides)).toBeGreaterThan(1.9);
  expect(Math.max(...sides)).toBeLessThanOrEqual(2.01);
  // A long picture keeps to four views before the factor, as (2048, 512) has it.
  const [rows, columns] = scaleJitter({ scale: [1, 1] })(rng(seed), [100, 1000], [128, 128]).resized;
  expect([rows, columns]).toEqual([51, 512]);
  expect(() => scaleJitter({ scale: [2, 1] })).toThrow('the scales must be two positive numbers');
});
