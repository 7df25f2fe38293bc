import { expect, test } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { rng } from '../../random/rng.ts';
import { randomResizedCrop } from '../decode/crop.ts';
import type { Dataset, RawImage } from '../sources/dataset.ts';
import { trainingBatches } from './loader.ts';
import { memoryBatches, memoryViews } from './memory.ts';

function pictures(count: number, channels: number): RawImage[] {
  const random = rng(seed);
  return Array.from({ length: count }, () => {
    const [width, height] = [8 + random.int(30), 8 + random.int(30)];
    return {
      width,
      height,
      channels,
      data: Uint8Array.from({ length: width * height * channels }, () => random.int(256)),
    };
  });
}

test.each([1, 3, 4])('batches of %s channels are those of the ordinary loader', async (channels) => {
  const images = pictures(11, channels);
  const dataset: Dataset = {
    name: 'memory',
    length: images.length,
    contentKey: '',
    id: String,
    image: (i) => images[i]!,
  };
  const crop = randomResizedCrop();
  const options = { size: [12, 16], batchSize: 4, seed, crop } as const;
  const loader = trainingBatches(dataset, { ...options, channels });
  const own = memoryBatches(images, options);
  let count = 0;
  for await (const { view, indices, cursor } of loader) {
    const batch = own.next().value;
    expect(batch.view, `SEED=${seed}, batch ${count}`).toEqual(view);
    expect(batch.indices).toEqual(indices);
    expect(batch.cursor).toEqual(cursor);
    if (++count === 5) break; // into the third epoch
  }
  expect(count).toBe(5);
});

test('augmented batches with classes are those of the ordinary loader', async () => {
  const images = pictures(9, 3);
  const labels = Int32Array.from(images, (_, i) => i % 4);
  const dataset: Dataset = {
    ...{ name: 'memory', length: images.length, contentKey: '', id: String },
    labels,
    image: (i) => images[i]!,
  };
  const augment = {
    randAugment: 'rand-m9-mstd0.5-inc1',
    erasing: { probability: 0.7 },
    normalisation: { mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.3] },
  };
  const options = { size: [12, 16], batchSize: 4, seed, augment, crop: randomResizedCrop() } as const;
  const loader = trainingBatches(dataset, options);
  const own = memoryViews(images, { ...options, labels });
  const plain = memoryViews(images, { ...options, augment: undefined });
  for (let count = 0; count < 4; count++) {
    const expected = (await loader.next()).value!;
    const { value: batch } = await own.next();
    expect(batch!.view, `SEED=${seed}, batch ${count}`).toEqual(expected.view);
    expect(batch!.labels).toEqual(expected.labels);
    expect(batch!.view).not.toEqual((await plain.next()).value!.view);
  }
  await loader.dispose();
});

test('images that a batch cannot hold are refused', () => {
  const options = { size: [8, 8], batchSize: 2, seed } as const;
  expect(() => memoryBatches([...pictures(2, 3), ...pictures(1, 1)], options).next()).toThrow(
    'all images must have the channels of the first, 3, got 1 in image 2',
  );
  expect(() => memoryBatches(pictures(1, 3), options).next()).toThrow(RangeError);
});
