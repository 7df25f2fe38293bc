import { THREADS } from '../../io/job-threads.ts';
import { PartError } from '../../modules/module-export.ts';
import type { Rng } from '../../random/rng.ts';
import type { Augment, Augmenter } from '../augment/augment.ts';
import { IGNORED } from '../masks/classes.ts';
import type { Dataset } from '../sources/dataset.ts';
import { type BrokenImages, nothingReadable } from './broken.ts';
import { type MaskOptions, makeMaskedView } from './masked-view.ts';
import { type ObjectOptions, type ViewObjects, viewObjects } from './object-view.ts';
import { inParallel } from './parallel.ts';
import { type BatchPlan, sampleRng } from './sampler.ts';
import { runOnThread } from './thread-pool.ts';
import { failureOf, sampleBytes, type ViewFailure, type ViewJob, type ViewResults } from './view-job.ts';
import { type DrawnCrop, makeView, type ViewOptions, viewBytes } from './views.ts';

/** Views of a batch of images, with their labels, weights and masks. */
export interface Batch extends BatchPlan {
  /** Pixels 0 … 255, not normalised: [batch, channels, height, width], in a separate buffer. */
  readonly view: Uint8Array;
  /** Classes, if the data set has any: Int32Array [batch]. */
  readonly labels?: Int32Array;
  /** Masks of the views, class numbers [batch, height, width], where the loader was asked for them. */
  readonly masks?: Uint8Array;
  /** The objects of each view, where the loader was asked for them. */
  readonly objects?: readonly ViewObjects[];
  /** The random stream of each image, for what a task draws; `derive('crop')` and `derive('augment')` are used up. */
  readonly rngs: readonly Rng[];
  /** Names of the images whose bytes are broken, where others or nothing took their places. */
  readonly broken: readonly string[];
}

/** How views are made. */
export interface BatchOptions extends Omit<ViewOptions, 'augmenter'> {
  readonly seed: number;
  /** Settings of `augmenter`. */
  readonly augment?: Augment | undefined;
  /** A promise where it is being loaded. */
  readonly augmenter?: Augmenter | Promise<Augmenter> | undefined;
  /** How many images are read at once. */
  readonly concurrency: number;
  /** True if views are made on other threads, where data set and crop sampler allow it. */
  readonly threads: boolean;
  readonly broken: BrokenImages;
  /** True (training): a broken image is replaced by the next readable one. False (evaluation): its slot gets weight 0. */
  readonly replace: boolean;
  readonly signal: AbortSignal;
  /** Called before an image is noted as broken. Rejects where no image has the channels of the model. */
  readonly fits: () => Promise<void>;
  /** Where masks are wanted: see `MaskOptions`. */
  readonly masks?: Pick<MaskOptions, 'largest'> | undefined;
  /** Where objects are wanted: see `ObjectOptions`. */
  readonly objects?: ObjectOptions | undefined;
}

/**
 * Loads the images of a plan. A broken image's place is taken by the next readable one of the data set (`indices` and
 * `labels` then name that one); its crop and draws stay those of the place, so runs repeat. `memory` becomes the batch's view
 * if it has the right size.
 * Rejects with a DataError when no image of the data set can be read, with a RangeError when a crop has
 * another size than the view, and with the signal's reason.
 */
export async function loadBatch(
  dataset: Dataset,
  plan: BatchPlan,
  options: BatchOptions,
  memory?: Uint8Array,
): Promise<Batch> {
  const { seed, signal } = options;
  signal.throwIfAborted();
  const viewOptions = { ...options, augmenter: await options.augmenter };
  const count = plan.indices.length;
  const bytes = viewBytes(options);
  const view = memory?.length === count * bytes ? memory : new Uint8Array(count * bytes);
  const indices = plan.indices.slice();
  const weights = plan.weights.slice();
  const plane = options.size[0] * options.size[1];
  const masks = options.masks && new Uint8Array(count * plane);
  const objects: ViewObjects[] = [];
  /** Notes the objects of a view of the image `index`. */
  const note = (slot: number, index: number, drawn: DrawnCrop) => {
    if (options.objects)
      objects[slot] = viewObjects(dataset.boxes!.of(index, drawn.image), drawn, options.objects);
  };
  const passedOver = new Set<string>();
  const rngs = Array.from(plan.indices, (index) => sampleRng(seed, plan.epoch, index));
  const real = plan.weights.filter((weight) => weight > 0).length; // padding comes last
  const here =
    (await onThreads(dataset, plan, real, options, { view, masks, note })) ??
    Array.from({ length: real }, (_, i) => i);
  await inParallel(here.length, options.concurrency, signal, async (i) => {
    const slot = here[i]!;
    const index = await readable(dataset, indices[slot]!, options, passedOver, async (index) => {
      const from = dataset.source?.(index) ?? (await dataset.image(index, options));
      const rng = rngs[slot]!;
      if (!masks) return note(slot, index, await makeView(from, viewOptions, rng, view, slot * bytes));
      const sample = new Uint8Array(bytes + plane);
      const drawn = await makeMaskedView(
        from,
        dataset.masks!.source(index),
        maskOptions(dataset, options),
        viewOptions,
        rng,
        sample,
        0,
      );
      view.set(sample.subarray(0, bytes), slot * bytes);
      masks.set(sample.subarray(bytes), slot * plane);
      note(slot, index, drawn);
    });
    if (index !== indices[slot] && !options.replace) weights[slot] = 0;
    indices[slot] = index;
  });
  for (let slot = real; slot < count; slot++) {
    view.copyWithin(slot * bytes, 0, bytes);
    masks?.copyWithin(slot * plane, 0, plane);
    if (options.objects) objects[slot] = objects[0]!;
  }
  const { labels } = dataset;
  return {
    ...plan,
    indices,
    weights,
    view,
    ...(labels && { labels: indices.map((index) => labels[index]!) }),
    ...(masks && { masks }),
    ...(options.objects && { objects }),
    rngs,
    broken: [...passedOver].sort(),
  };
}

/** Where the parts of samples are written. */
interface Places {
  readonly view: Uint8Array;
  readonly masks: Uint8Array | undefined;
  /** Throws a DataError where the objects of an image cannot be used. */
  readonly note: (slot: number, index: number, drawn: DrawnCrop) => void;
}

const CHUNK = 16; // images a thread is given at once, at most: a message costs about as much as a small view

/**
 * Makes the first `real` views of a plan on other threads. Returns the places that are left, whose images are broken,
 * or nothing when the views must be made here.
 */
async function onThreads(
  dataset: Dataset,
  { epoch, indices }: BatchPlan,
  real: number,
  options: BatchOptions,
  { view, masks, note }: Places,
): Promise<number[] | undefined> {
  const { size, channels, range, seed, augment, broken, signal, fits } = options;
  const crop = options.crop.description;
  if (!options.threads || !dataset.source || !crop) return undefined;
  const left: number[] = [];
  const slots: number[] = [];
  for (let slot = 0; slot < real; slot++) (broken.has(dataset.id(indices[slot]!)) ? left : slots).push(slot);
  const each = Math.min(CHUNK, Math.ceil(slots.length / (2 * THREADS))) || 1;
  await inParallel(Math.ceil(slots.length / each), 2 * THREADS, signal, async (chunk) => {
    const some = slots.slice(chunk * each, (chunk + 1) * each);
    const own = some.map((slot) => indices[slot]!);
    const sources = own.map((index) => dataset.source!(index));
    const job: ViewJob = {
      ...{ sources, indices: own, seed, epoch, size, channels, range, crop, augment },
      ...(options.objects && { crops: true }),
      ...(masks && {
        masks: {
          ...maskOptions(dataset, options),
          sources: own.map((index) => dataset.masks!.source(index)),
        },
      }),
    };
    const bytes = viewBytes(options);
    const sample = sampleBytes(job);
    const results = await runOnThread(job, (made) => {
      for (const [i, slot] of some.entries()) {
        view.set(made.subarray(i * sample, i * sample + bytes), slot * bytes);
        masks?.set(made.subarray(i * sample + bytes, (i + 1) * sample), slot * (sample - bytes));
      }
    });
    for (const [i, slot] of some.entries()) {
      const result = noted(results[i], (drawn) => note(slot, own[i]!, drawn));
      if (!result) continue;
      if (result.ends) throw new PartError(result.message);
      await fits();
      broken.add(dataset.id(own[i]!), result.message, result.passing);
      left.push(slot);
    }
  });
  return left;
}

/** The failure of a view, or that of `work` with its crop; undefined if there is none. */
function noted(result: ViewResults[number], work: (drawn: DrawnCrop) => void): ViewFailure | undefined {
  if (!result || 'message' in result) return result;
  try {
    work(result);
    return undefined;
  } catch (error) {
    return failureOf(error);
  }
}

function maskOptions({ masks }: Dataset, { masks: wanted }: BatchOptions): MaskOptions {
  return { table: masks?.table, ignore: masks?.ignore ?? IGNORED, largest: wanted?.largest };
}

/**
 * The first readable image from `start` on, in the circle of all images; `read` rejects for a broken one. Notes in `passedOver` which
 * ones have broken bytes.
 */
async function readable(
  dataset: Dataset,
  start: number,
  { broken, fits }: BatchOptions,
  passedOver: Set<string>,
  read: (index: number) => Promise<void>,
): Promise<number> {
  for (let tried = 0; tried < dataset.length; tried++) {
    const index = (start + tried) % dataset.length;
    const id = dataset.id(index);
    try {
      if (!broken.has(id)) {
        await read(index);
        return index;
      }
    } catch (error) {
      if (error instanceof RangeError || error instanceof PartError) throw error; // of the crop or an own part, not of the image
      await fits();
      broken.add(id, error);
    }
    if (broken.has(id)) passedOver.add(id);
  }
  throw nothingReadable(dataset.name, broken);
}
