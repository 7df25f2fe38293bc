import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PATIENT } from '../../../tests/support/patient.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { IMAGENET } from '../../image/normalise.ts';
import { rng } from '../../random/rng.ts';
import { makeAugmenter } from '../augment/augment.ts';
import { upright } from '../augment/image.ts';
import { centreCrop, randomResizedCrop, whole } from '../decode/crop.ts';
import { writePlanar } from '../decode/planar.ts';
import { cropResize } from '../decode/resize.ts';
import { type Dataset, split } from '../sources/dataset.ts';
import { openFolder } from '../sources/folder.ts';
import type { Batch } from './batch.ts';
import { BrokenImages } from './broken.ts';
import { evaluationBatches, type Loader, trainingBatches } from './loader.ts';
import { sampleRng } from './sampler.ts';

/** Random pictures in memory; those in `bad` cannot be read. */
function pictures(length: number, bad: readonly number[] = []): Dataset & { reads: number } {
  return {
    reads: 0,
    name: 'pictures',
    length,
    contentKey: `pictures-${length}`,
    classes: ['a', 'b', 'c'],
    labels: Int32Array.from({ length }, (_, i) => i % 3),
    id: (i) => `picture ${i}`,
    image(i) {
      this.reads++;
      if (bad.includes(i)) throw new Error(`cannot read ${i}`);
      const [width, height] = [8 + (i % 5), 9];
      const r = rng(77, i);
      return {
        width,
        height,
        channels: 3,
        data: Uint8Array.from({ length: width * height * 3 }, () => r.int(256)),
      };
    },
  };
}

const options = { batchSize: 4, size: [6, 7] as const, seed: 5 };
const silent = () => new BrokenImages(() => {});

async function take(loader: Loader, n: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (let i = 0; i < n; i++) batches.push((await loader.next()).value as Batch);
  await loader.dispose();
  return batches;
}

const strip = ({ rngs, ...rest }: Batch) => ({ ...rest, draws: rngs.map((r) => r.derive('test').uniform()) });

describe('trainingBatches', () => {
  it('delivers the crops of its images, planar', async () => {
    const data = pictures(10);
    for (const batch of await take(trainingBatches(data, options), 5)) {
      expect(batch.view.length).toBe(4 * 3 * 6 * 7);
      for (const [slot, index] of batch.indices.entries()) {
        const image = await data.image(index);
        const draws = sampleRng(5, batch.epoch, index).derive('crop');
        const crop = randomResizedCrop()(draws, [image.height, image.width], [6, 7]);
        const expected = cropResize(image, crop);
        const [c, y, x] = [1, 4, 2];
        const column = crop.flip ? 6 - x : x;
        expect(batch.view[((slot * 3 + c) * 6 + y) * 7 + x]).toBe(expected.data[(y * 7 + column) * 3 + c]);
        expect(batch.labels![slot]).toBe(index % 3);
        expect(batch.rngs[slot]!.uniform()).toBe(sampleRng(5, batch.epoch, index).uniform());
      }
    }
  });

  it('repeats, whatever runs ahead or at once; another seed differs', async () => {
    const run = async (more: object) =>
      (await take(trainingBatches(pictures(11), { ...options, ...more }), 7)).map(strip);
    const one = await run({});
    expect(await run({ prefetch: 5, concurrency: 1 })).toEqual(one);
    expect(await run({ prefetch: 1, concurrency: 50 })).toEqual(one);
    expect(await run({ seed: 6 })).not.toEqual(one);
  });

  it('continues from a saved cursor as if it had never stopped', async () => {
    const straight = (await take(trainingBatches(pictures(11), options), 9)).map(strip);
    for (const stop of [1, 2, 3, 6]) {
      const cursor = JSON.parse(JSON.stringify(straight[stop - 1]!.cursor));
      const resumed = await take(trainingBatches(pictures(11), { ...options, cursor }), 9 - stop);
      expect(resumed.map(strip)).toEqual(straight.slice(stop));
    }
  });

  it('augments the mirrored crops, the same way every time', async () => {
    const data = pictures(10);
    const augment = {
      randAugment: 'rand-m9-mstd0.5-inc1',
      erasing: { probability: 0.5 },
      normalisation: IMAGENET,
    };
    const run = async (more: object) =>
      (await take(trainingBatches(data, { ...options, augment, ...more }), 5)).map(strip);
    const batches = await run({});
    expect(await run({ concurrency: 1 })).toEqual(batches);
    const augmenter = makeAugmenter(augment, 3);
    for (const { epoch, indices, view } of batches)
      for (const [slot, index] of indices.entries()) {
        const image = await data.image(index);
        const sample = sampleRng(5, epoch, index);
        const crop = randomResizedCrop()(sample.derive('crop'), [image.height, image.width], [6, 7]);
        const draws = sample.derive('augment');
        const expected = new Uint8Array(3 * 42);
        const mirrored = upright(cropResize(image, crop), 3, crop.flip);
        writePlanar(augmenter.image(mirrored, draws), 3, false, expected, 0);
        augmenter.planes(expected, 0, [6, 7], draws);
        expect(view.subarray(slot * 126, (slot + 1) * 126)).toEqual(expected);
      }
    const plain = (await take(trainingBatches(data, options), 5)).map(strip);
    expect(batches.map((batch) => batch.indices)).toEqual(plain.map((batch) => batch.indices));
    expect(batches.map((batch) => batch.view)).not.toEqual(plain.map((batch) => batch.view));
  });

  it('delivers grey', async () => {
    const [batch] = await take(trainingBatches(pictures(5), { ...options, channels: 1 }), 1);
    expect(batch!.view.length).toBe(4 * 6 * 7);
  });

  it('runs ahead, and not further', async () => {
    const data = pictures(100);
    const loader = trainingBatches(data, { ...options, prefetch: 3 });
    await vi.waitFor(() => expect(data.reads).toBe(12), PATIENT);
    await loader.next();
    await vi.waitFor(() => expect(data.reads).toBe(16), PATIENT);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(data.reads).toBe(16);
    await loader.dispose();
  });

  it('lets timers through while it loads what never waits', async () => {
    const data = pictures(100);
    const slow: Dataset = {
      ...data,
      image: (i) => {
        const end = performance.now() + 1;
        while (performance.now() < end);
        return data.image(i);
      },
    };
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const loader = trainingBatches(slow, { ...options, batchSize: 100, prefetch: 1 });
    await loader.next();
    clearInterval(timer);
    await loader.dispose();
    expect(ticks).toBeGreaterThan(5); // of some 12 breaths
  });

  it('uses memory again that it gets back', async () => {
    const straight = (await take(trainingBatches(pictures(11), options), 9)).map(strip);
    const loader = trainingBatches(pictures(11), { ...options, prefetch: 2 });
    const buffers = new Set<ArrayBufferLike>();
    for (const expected of straight) {
      const batch = (await loader.next()).value as Batch;
      expect(strip(batch)).toEqual(expected);
      buffers.add(batch.view.buffer);
      batch.view.fill(0);
      loader.recycle(batch);
      loader.recycle(batch);
    }
    await loader.dispose();
    expect(buffers.size).toBeLessThan(5);
  });

  it('says what it needs', () => {
    expect(() => trainingBatches(pictures(3), options)).toThrow('an integer from 1 to the 3 images, got 4');
    expect(() => trainingBatches(pictures(9), { ...options, size: [0, 7] })).toThrow(
      "a loader's height must be a positive integer, got 0",
    );
    expect(() => trainingBatches(pictures(9), { ...options, prefetch: 0 })).toThrow("a loader's prefetch");
  });
});

describe('evaluationBatches', () => {
  it('shows all images once, padded with weight 0', async () => {
    const data = pictures(10);
    const batches: Batch[] = [];
    for await (const batch of evaluationBatches(data, options)) batches.push(batch);
    expect(batches.map(({ weights }) => [...weights])).toEqual([
      [1, 1, 1, 1],
      [1, 1, 1, 1],
      [1, 1, 0, 0],
    ]);
    expect(batches.flatMap(({ indices }) => [...indices])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 8]);
    const last = batches[2]!.view;
    expect(last.subarray(3 * 126)).toEqual(last.subarray(0, 126));
    const image = await data.image(4);
    const crop = centreCrop()(rng(0), [image.height, image.width], [6, 7]);
    expect(batches[1]!.view[0]).toBe(cropResize(image, crop).data[0]);
  });
});

describe('the end of a loader', () => {
  it('comes with a break', async () => {
    const data = pictures(50);
    for await (const batch of trainingBatches(data, options)) if (batch.cursor.position >= 8) break;
    const { reads } = data;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(data.reads).toBe(reads);
  });

  it('comes with dispose, also while someone waits', async () => {
    const loader = trainingBatches(pictures(50), options);
    const waiting = [loader.next(), loader.next(), loader.next()];
    await loader.dispose();
    await Promise.all(waiting);
    expect(await loader.next()).toEqual({ done: true, value: undefined });
    await loader.dispose();
  });

  it('comes with the signal', async () => {
    const abort = new AbortController();
    const loader = trainingBatches(pictures(50), { ...options, signal: abort.signal });
    await loader.next();
    abort.abort(new Error('enough'));
    await expect(loader.next()).rejects.toThrow('enough');
  });
});

describe('broken images', () => {
  it('give way to the next readable one, and are reported once', async () => {
    const bad = [0, 3, 4, 11];
    const report = vi.fn();
    const broken = new BrokenImages(report);
    const batches = await take(trainingBatches(pictures(12, bad), { ...options, broken }), 9);
    const replaced = new Map([
      [0, 1],
      [3, 5],
      [4, 5],
      [11, 1],
    ]);
    const whole = await take(trainingBatches(pictures(12), options), 9);
    for (const [i, batch] of batches.entries()) {
      expect([...batch.indices]).toEqual([...whole[i]!.indices].map((index) => replaced.get(index) ?? index));
      expect([...batch.labels!]).toEqual([...batch.indices].map((index) => index % 3));
      expect([...batch.weights]).toEqual([1, 1, 1, 1]);
      expect(batch.cursor).toEqual(whole[i]!.cursor);
    }
    expect(report.mock.calls.sort()).toEqual(bad.map((i) => [`picture ${i}`, `cannot read ${i}`]).sort());
    expect(broken.reasons.size).toBe(4);
    expect(broken.reasons.get('picture 3')).toBe('cannot read 3');
  });

  it('count for nothing in evaluation', async () => {
    const loader = evaluationBatches(pictures(6, [1, 5]), { ...options, broken: silent() });
    const batches: Batch[] = [];
    for await (const batch of loader) batches.push(batch);
    expect(batches.map(({ weights }) => [...weights])).toEqual([
      [1, 0, 1, 1],
      [1, 0, 0, 0],
    ]);
    expect(loader.broken.reasons.size).toBe(2);
  });

  it('end the loading when there are no others', async () => {
    const loader = trainingBatches(pictures(6, [0, 1, 2, 3, 4, 5]), { ...options, broken: silent() });
    await expect(loader.next()).rejects.toThrow(
      /no image of 'pictures' can be read: 6 broken images, the first is picture \d$/,
    );
    expect(await loader.next()).toEqual({ done: true, value: undefined });
  });

  it('are reported on the standard error by default', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    await take(trainingBatches(pictures(6, [2]), options), 4);
    expect(warn.mock.calls).toEqual([['skipping broken image picture 2: cannot read 2']]);
    warn.mockRestore();
  });
});

describe('a folder of files', () => {
  const root = temporaryFolder();
  beforeAll(async () => {
    for (let i = 0; i < 12; i++) {
      const background = { r: 20 * i, g: 200, b: 255 - 20 * i };
      const image = sharp({ create: { width: 40 + i, height: 30, channels: 3, background } });
      await writeFile(join(root, `${String(i).padStart(2, '0')}.png`), await image.png().toBuffer());
    }
    const jpeg = await sharp({ create: { width: 90, height: 90, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    await writeFile(join(root, 'broken-cut.jpg'), jpeg.subarray(0, jpeg.length - 200));
    await writeFile(join(root, 'broken-empty.jpg'), '');
    await writeFile(join(root, 'broken-text.jpg'), 'hello');
  });
  afterEach(() => vi.restoreAllMocks());

  it('is loaded, broken ones skipped, the same way every time', async () => {
    const data = await openFolder(root);
    const run = (more: object = {}) =>
      take(trainingBatches(data, { ...options, size: [16, 16], broken: silent(), ...more }), 12);
    const one = await run();
    expect((await run({ concurrency: 1 })).map(strip)).toEqual(one.map(strip));
    for (const batch of one) {
      for (const [slot, index] of batch.indices.entries()) {
        expect(index).toBeLessThan(12);
        const pixel = [0, 1, 2].map((c) => batch.view[(slot * 3 + c) * 256 + 100]);
        expect(pixel).toEqual([20 * index, 200, 255 - 20 * index]);
      }
    }
    const resumed = await run({ cursor: one[4]!.cursor });
    expect(resumed.slice(0, 7).map(strip)).toEqual(one.slice(5).map(strip));
  });

  it('is loaded on threads with the same result, broken ones and augmentations too', async () => {
    const data = await openFolder(root);
    const augment = {
      randAugment: 'rand-m9-n2-p1-inc1',
      erasing: { probability: 1 },
      normalisation: IMAGENET,
    };
    for (const more of [{}, { augment }, { channels: 1 as const }]) {
      const run = async (threads: boolean) => {
        const report = vi.fn();
        const broken = new BrokenImages(report);
        const settings = { ...options, size: [20, 18] as const, broken, threads, ...more };
        const batches = (await take(trainingBatches(data, settings), 7)).map(strip);
        const evaluated: unknown[] = [];
        for await (const batch of evaluationBatches(data, settings)) evaluated.push(strip(batch));
        return { batches, evaluated, reported: report.mock.calls.sort() };
      };
      expect(await run(true)).toEqual(await run(false));
    }
  });

  it('can be split and evaluated', async () => {
    const { train, heldOut } = split(await openFolder(root), 0.3);
    expect([train.length, heldOut.length]).toEqual([10, 5]);
    const broken = silent();
    let seen = 0;
    for (const part of [train, heldOut]) {
      for await (const { weights } of evaluationBatches(part, { ...options, broken })) {
        seen += weights.reduce((a, b) => a + b);
      }
    }
    expect(seen).toBe(12);
    expect([...broken.reasons.keys()].sort()).toEqual([
      'broken-cut.jpg',
      'broken-empty.jpg',
      'broken-text.jpg',
    ]);
  });

  it('takes a crop sampler of one’s own', async () => {
    const corner = () => ({
      box: whole([8, 8]),
      resized: [8, 8] as const,
      window: whole([8, 8]),
      flip: false,
    });
    const loader = evaluationBatches(await openFolder(root), {
      ...options,
      size: [8, 8],
      crop: corner,
      broken: silent(),
    });
    const { value } = await loader.next();
    expect(value!.view[0]).toBe(0);
    await loader.dispose();
    const wrong = trainingBatches(pictures(9), { ...options, crop: corner });
    await expect(wrong.next()).rejects.toThrow('a view must be 6 × 7, got 8 × 8');
  });
});
