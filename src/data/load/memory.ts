import { type CropSampler, randomResizedCrop } from '../decode/crop.ts';
import type { RawImage } from '../sources/dataset.ts';
import type { Batch } from './batch.ts';
import { drawCrop, withoutBorder, writeCrop } from './crop-view.ts';
import { type Cursor, sampleRng, trainingPlan } from './sampler.ts';

/** How views of images in memory are made. */
export interface MemoryBatchOptions {
  readonly size: readonly [height: number, width: number];
  readonly batchSize: number;
  readonly seed: number;
  /** Default: `randomResizedCrop()`. */
  readonly crop?: CropSampler | undefined;
  readonly cursor?: Cursor | undefined;
}

/**
 * Training batches without end of images in memory, made in the calling thread: the views, draws and order of
 * `trainingBatches`. Throws RangeError where a batch does not fit the images, where images differ in channels, or where the crop makes
 * views of another size.
 */
export function* memoryBatches(
  images: readonly RawImage[],
  { size, batchSize, seed, crop: sampler = randomResizedCrop(), cursor }: MemoryBatchOptions,
): Generator<Omit<Batch, 'labels'>, never> {
  const channels = images[0]?.channels ?? 0;
  const other = images.findIndex((image) => image.channels !== channels);
  if (other !== -1)
    throw new RangeError(
      `all images must have the channels of the first, ${channels}, got ${images[other]!.channels} in image ${other}`,
    );
  const bytes = channels * size[0] * size[1];
  for (const plan of trainingPlan(images.length, batchSize, seed, cursor)) {
    const view = new Uint8Array(batchSize * bytes);
    const rngs = Array.from(plan.indices, (index) => sampleRng(seed, plan.epoch, index));
    for (const [i, rng] of rngs.entries()) {
      const image = images[plan.indices[i]!]!;
      const crop = drawCrop(sampler, rng, [image.height, image.width], size);
      writeCrop(image, crop, withoutBorder(crop), channels, view, i * bytes);
    }
    yield { ...plan, view, rngs, broken: [] };
  }
  throw new Error('the plan of training has no end');
}
