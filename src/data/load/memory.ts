import { type Augment, makeAugmenter } from '../augment/augment.ts';
import { type CropSampler, randomResizedCrop } from '../decode/crop.ts';
import type { RawImage } from '../sources/dataset.ts';
import type { Batch } from './batch.ts';
import { drawCrop, withoutBorder, writeView } from './crop-view.ts';
import { type Cursor, sampleRng, trainingPlan } from './sampler.ts';

/** How views of images in memory are made. */
export interface MemoryBatchOptions {
  readonly size: readonly [height: number, width: number];
  readonly batchSize: number;
  readonly seed: number;
  /** Default: `randomResizedCrop()`. */
  readonly crop?: CropSampler | undefined;
  readonly cursor?: Cursor | undefined;
  /** Changes views after crop and mirroring. Default: nothing. */
  readonly augment?: Augment | undefined;
  /** The class of each image; its batch then has `labels`. */
  readonly labels?: ArrayLike<number> | undefined;
}

/**
 * Training batches without end of images in memory, made in the calling thread: the views, draws and order of
 * `trainingBatches`. Throws RangeError where a batch does not fit the images, where images differ in channels, or where the crop makes
 * views of another size.
 */
export function* memoryBatches(
  images: readonly RawImage[],
  { size, batchSize, seed, crop: sampler = randomResizedCrop(), cursor, augment, labels }: MemoryBatchOptions,
): Generator<Batch, never> {
  const channels = images[0]?.channels ?? 0;
  const other = images.findIndex((image) => image.channels !== channels);
  if (other !== -1)
    throw new RangeError(
      `all images must have the channels of the first, ${channels}, got ${images[other]!.channels} in image ${other}`,
    );
  const bytes = channels * size[0] * size[1];
  const shape = { channels, size, augmenter: augment && makeAugmenter(augment, channels) };
  for (const plan of trainingPlan(images.length, batchSize, seed, cursor)) {
    const view = new Uint8Array(batchSize * bytes);
    const rngs = Array.from(plan.indices, (index) => sampleRng(seed, plan.epoch, index));
    for (const [i, rng] of rngs.entries()) {
      const image = images[plan.indices[i]!]!;
      const crop = drawCrop(sampler, rng, [image.height, image.width], size);
      writeView(image, crop, withoutBorder(crop), shape, rng, view, i * bytes);
    }
    const classes = labels && Int32Array.from(plan.indices, (index) => labels[index]!);
    yield { ...plan, view, rngs, broken: [], ...(classes && { labels: classes }) };
  }
  throw new Error('the plan of training has no end');
}

/** The same as views for the training loop, which waits for each batch. */
export function memoryViews(images: readonly RawImage[], options: MemoryBatchOptions) {
  const batches = memoryBatches(images, options);
  return {
    next: async (): Promise<IteratorResult<Batch, undefined>> => batches.next(),
    recycle() {},
    async dispose() {},
  };
}
