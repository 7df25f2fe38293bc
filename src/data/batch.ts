import type { Rng } from '../random/rng.ts';
import type { Augmenter } from './augment/augment.ts';
import { upright } from './augment/image.ts';
import type { BrokenImages } from './broken.ts';
import type { Crop, Geometry, Size } from './crop.ts';
import type { Dataset, RawImage } from './dataset.ts';
import { DataError } from './error.ts';
import { inParallel } from './parallel.ts';
import { writePlanar } from './planar.ts';
import { cropResize } from './resize.ts';
import { type BatchPlan, sampleRng } from './sampler.ts';

/** Views of a batch of images, with what belongs to each. */
export interface Batch extends BatchPlan {
  /** Pixels 0 … 255, not normalised: [batch, channels, height, width], in a buffer of its own. */
  readonly view: Uint8Array;
  /** Classes, if the data set has any: Int32Array [batch]. */
  readonly labels?: Int32Array;
  /** The random stream of each image, for what a task draws; `derive('crop')` and `derive('augment')` are used up. */
  readonly rngs: readonly Rng[];
}

/** How views are made. */
export interface BatchOptions {
  /** Size of the views. */
  readonly size: Size;
  readonly channels: 1 | 3;
  readonly geometry: Geometry;
  /** What is done to the crops afterwards. */
  readonly augmenter?: Augmenter;
  readonly seed: number;
  /** How many images are read at once. */
  readonly concurrency: number;
  readonly broken: BrokenImages;
  /** What happens to the place of a broken image: the next readable one has full weight, or weight 0. */
  readonly replace: boolean;
  readonly signal: AbortSignal;
}

/**
 * Loads the images of a plan. A broken image's place is taken by the next readable one of the data set (`indices` and
 * `labels` then name that one); its crop and draws stay those of the place, so runs repeat.
 * Rejects with a DataError when no image of the data set can be read, with a RangeError when a geometry makes
 * views of another size, and with the signal's reason.
 */
export async function loadBatch(dataset: Dataset, plan: BatchPlan, options: BatchOptions): Promise<Batch> {
  const { size, channels, seed, signal } = options;
  signal.throwIfAborted();
  const count = plan.indices.length;
  const bytes = channels * size[0] * size[1];
  const view = new Uint8Array(count * bytes);
  const indices = plan.indices.slice();
  const weights = plan.weights.slice();
  const rngs = Array.from(plan.indices, (index) => sampleRng(seed, plan.epoch, index));
  const real = plan.weights.filter((weight) => weight > 0).length; // padding comes last
  await inParallel(real, options.concurrency, signal, async (slot) => {
    const { image, index, flip } = await readable(dataset, indices[slot]!, options.broken, (imageSize) =>
      options.geometry(rngs[slot]!.derive('crop'), imageSize, size),
    );
    if (index !== indices[slot] && !options.replace) weights[slot] = 0;
    indices[slot] = index;
    if (image.height !== size[0] || image.width !== size[1]) {
      throw new RangeError(`a view must be ${size.join(' × ')}, got ${image.height} × ${image.width}`);
    }
    if (options.augmenter) {
      const rng = rngs[slot]!.derive('augment');
      const augmented = options.augmenter.image(upright(image, channels, flip), rng);
      writePlanar(augmented, channels, false, view, slot * bytes);
      options.augmenter.planes(view, slot * bytes, size, rng);
    } else {
      writePlanar(image, channels, flip, view, slot * bytes);
    }
  });
  for (let slot = real; slot < count; slot++) view.copyWithin(slot * bytes, 0, bytes);
  const { labels } = dataset;
  return {
    ...plan,
    indices,
    weights,
    view,
    ...(labels && { labels: indices.map((index) => labels[index]!) }),
    rngs,
  };
}

/** The crop of the first readable image from `start` on, in the circle of all images. */
async function readable(
  dataset: Dataset,
  start: number,
  broken: BrokenImages,
  geometry: (image: Size) => Crop,
): Promise<{ image: RawImage; index: number; flip: boolean }> {
  let flip = false;
  const choose = (size: Size): Crop => {
    const crop = geometry(size);
    flip = crop.flip;
    return crop;
  };
  for (let tried = 0; tried < dataset.length; tried++) {
    const index = (start + tried) % dataset.length;
    const id = dataset.id(index);
    if (broken.has(id)) continue;
    try {
      return { image: await crop(dataset, index, choose), index, flip };
    } catch (error) {
      broken.add(id, error);
    }
  }
  const [first] = broken.reasons;
  throw new DataError(`no image of '${dataset.name}' can be read, the first being ${first?.join(': ')}`);
}

async function crop(dataset: Dataset, index: number, choose: (image: Size) => Crop): Promise<RawImage> {
  if (dataset.view) return dataset.view(index, choose);
  const image = await dataset.image(index);
  return cropResize(image, choose([image.height, image.width]));
}
