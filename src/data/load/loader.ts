import { availableParallelism } from 'node:os';
import { type Augment, type Augmenter, makeAugmenter } from '../augment/augment.ts';
import { loadAugmenter } from '../augment/load-own.ts';
import { type CropSampler, centreCrop, randomResizedCrop, type Size } from '../decode/crop.ts';
import type { Reading } from '../decode/reading.ts';
import type { Dataset } from '../sources/dataset.ts';
import { type Batch, loadBatch } from './batch.ts';
import { BrokenImages } from './broken.ts';
import { requireFitting } from './fitting.ts';
import type { MaskOptions } from './masked-view.ts';
import type { ObjectOptions } from './object-view.ts';
import { type BatchPlan, type Cursor, evaluationPlan, type Share, trainingPlan } from './sampler.ts';

/** Settings of a loader. */
export interface LoaderOptions {
  readonly batchSize: number;
  /** Size of the views. */
  readonly size: Size;
  /** Seeds the order, the crops and the streams handed on with the batch. */
  readonly seed: number;
  /** 3 by default; 1 turns colour into grey, other numbers take the bands of files as they are stored. */
  readonly channels?: number;
  /** The samples of TIFF files and 16-bit PNGs that mean 0 and 1: see `Reading`. */
  readonly range?: Reading['range'];
  /** By default `randomResizedCrop()` in training and `centreCrop()` in evaluation. */
  readonly crop?: CropSampler;
  /** How many batches are made ahead, 2 by default. */
  readonly prefetch?: number;
  /** How many images are read at once, by default twice the number of processors. */
  readonly concurrency?: number;
  /**
   * True if views are made on other threads (as many as there are processors, up to 16), where the data set lies in files and
   * the crop sampler is one of this library. By default from 512 images on: starting the threads takes some time.
   */
  readonly threads?: boolean;
  /** List of broken images. Default: a new list, which prints warnings. */
  readonly broken?: BrokenImages;
  /** Masks of the views are wanted, by the same crops: see `MaskOptions`. By default none are read. */
  readonly masks?: Pick<MaskOptions, 'largest'>;
  /** Objects of the views are wanted, moved by the same crops: see `ObjectOptions`. By default none are made. */
  readonly objects?: ObjectOptions;
  /** Ends the loading: the next call of `next` rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** Settings of a loader of training batches. */
export interface TrainingLoaderOptions extends LoaderOptions {
  /** Where to begin: the cursor of the batch before. */
  readonly cursor?: Cursor;
  /** The part of each batch of `batchSize` images that is made here. Default: all of it. */
  readonly share?: Share | undefined;
  /** Augmentation after crop and mirroring. Default: none. */
  readonly augment?: Augment;
}

/**
 * Batches for training, without end, from `cursor` on: random order in every epoch, last partial batch dropped.
 * Batch n is the same whether the loader began at 0 or at the cursor of batch n − 1.
 * Throws RangeError for a batch size above the number of images, or impossible settings.
 */
export function trainingBatches(dataset: Dataset, options: TrainingLoaderOptions): Loader {
  const plans = trainingPlan(dataset.length, options.batchSize, options.seed, options.cursor, options.share);
  return new Loader(dataset, plans, { crop: randomResizedCrop(), ...options }, true);
}

/**
 * Batches of one pass over all images in their order, the last one padded. An image that cannot be read has weight 0,
 * as padding has.
 */
export function evaluationBatches(dataset: Dataset, options: LoaderOptions): Loader {
  const plans = evaluationPlan(dataset.length, options.batchSize);
  return new Loader(dataset, plans, { crop: centreCrop(), ...options, augment: undefined }, false);
}

const MANY = 512;

/**
 * Makes batches ahead of their use, one after another.
 * Use it with `for await`, or call `next` and in the end `dispose`; a loader that is left alone keeps nothing running.
 */
export class Loader implements AsyncIterableIterator<Batch, undefined> {
  /** The images that could not be read so far. */
  readonly broken: BrokenImages;
  readonly #plans: Iterator<BatchPlan, unknown>;
  readonly #load: (plan: BatchPlan) => Promise<Batch>;
  readonly #ahead: number;
  readonly #ready: Promise<Batch>[] = [];
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal | undefined;
  readonly #loading: Promise<unknown>[] = []; // of the last batches
  readonly #atOnce: number;
  readonly #free: Uint8Array[] = []; // views that are no longer used
  #ended = false;

  constructor(
    dataset: Dataset,
    plans: Iterator<BatchPlan, unknown>,
    options: LoaderOptions & { readonly crop: CropSampler; readonly augment?: Augment | undefined },
    replace: boolean,
  ) {
    const { channels = 3, prefetch = 2, concurrency = 2 * availableParallelism(), broken } = options;
    const { threads = dataset.length >= MANY } = options;
    for (const [name, value] of Object.entries({
      height: options.size[0],
      width: options.size[1],
      prefetch,
      concurrency,
    })) {
      if (!Number.isInteger(value) || value < 1) {
        throw new RangeError(`a loader's ${name} must be a positive integer, got ${value}`);
      }
    }
    if (options.masks && !dataset.masks)
      throw new RangeError(`masks are loaded where images have some, got '${dataset.name}' without any`);
    if (options.objects && !dataset.boxes)
      throw new RangeError(`objects are loaded where images have boxes, got '${dataset.name}' without any`);
    this.broken = broken ?? new BrokenImages();
    this.#plans = plans;
    this.#ahead = prefetch;
    this.#atOnce = threads ? 2 : 1; // so that no thread waits for the last views of a batch
    this.#signal = options.signal;
    const signal = options.signal
      ? AbortSignal.any([this.#abort.signal, options.signal])
      : this.#abort.signal;
    const augmenter = options.augment && augmenterOf(options.augment, channels);
    let fitting: Promise<void> | undefined;
    const settings = {
      ...options,
      fits: () => (fitting ??= requireFitting(dataset, settings)),
      augmenter,
      channels,
      concurrency,
      threads,
      broken: this.broken,
      replace,
      signal,
    };
    this.#load = (plan) => loadBatch(dataset, plan, settings, this.#free.pop());
    this.#fill();
  }

  /** The next batch. Rejects when no image can be read, or the signal was aborted; the loader has ended then. */
  async next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#signal?.aborted) {
      await this.dispose();
      throw this.#signal.reason;
    }
    const batch = this.#ready.shift();
    if (!batch) return { done: true, value: undefined };
    this.#fill();
    try {
      return { done: false, value: await batch };
    } catch (error) {
      const disposed = this.#abort.signal.aborted;
      await this.dispose();
      if (disposed) return { done: true, value: undefined };
      throw error;
    }
  }

  /**
   * Takes back the memory of a batch's view, for one of the next batches; from now on nobody may use that view. A loader that
   * gets none back takes new memory for each batch, which keeps the garbage collector busy.
   */
  recycle({ view }: Batch): void {
    if (!this.#free.includes(view)) this.#free.push(view);
  }

  /** Ends the loading, and waits until nothing is being read any more. May be called more than once. */
  async dispose(): Promise<void> {
    this.#ended = true;
    this.#ready.length = 0;
    this.#abort.abort();
    await Promise.all(this.#loading);
  }

  async return(): Promise<IteratorResult<Batch, undefined>> {
    await this.dispose();
    return { done: true, value: undefined };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #fill(): void {
    while (!this.#ended && this.#ready.length < this.#ahead) {
      const { done, value } = this.#plans.next();
      if (done) {
        this.#ended = true;
      } else {
        const before = this.#loading.length < this.#atOnce ? undefined : this.#loading.shift();
        const batch = Promise.resolve(before).then(() => this.#load(value as BatchPlan));
        this.#loading.push(batch.catch(() => {})); // whoever takes the batch gets the error
        this.#ready.push(batch);
      }
    }
  }
}

/** At once, but where there are augmentations of the user's own to load. */
function augmenterOf(augment: Augment, channels: number): Augmenter | Promise<Augmenter> {
  if (!augment.own?.length) return makeAugmenter(augment, channels);
  const augmenter = loadAugmenter(augment, channels);
  augmenter.catch(() => {}); // the first batch gets the error
  return augmenter;
}
