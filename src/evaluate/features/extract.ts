import { BrokenImages, nothingReadable } from '../../data/load/broken.ts';
import { type Dataset, subset } from '../../data/sources/dataset.ts';
import type { Engine, Session } from '../../engines/engine.ts';
import type { Size } from '../../image/size.ts';
import {
  type FeatureConfig,
  type FeatureTokens,
  featureParameters,
  featureProgram,
  featureSize,
} from '../../programs/features.ts';
import { RunError } from '../../run/error.ts';
import { featureFault } from '../../weights/feature-fault.ts';
import type { Model } from '../../weights/model.ts';
import { batchFor } from '../images-at-once.ts';
import type { EngineOptions } from '../model-engine.ts';
import { centralViews, readable } from '../views.ts';
import { contentKey, FeatureStore, featureCacheFolder, type Part } from './feature-cache.ts';
import { type Features, join, programRows, rows } from './features.ts';

/** The parts of a model that its features depend on. */
export type FeatureModel = Pick<
  Model,
  | 'path'
  | 'encoder'
  | 'classifier'
  | 'segmenter'
  | 'normalisation'
  | 'evaluationCrop'
  | 'evaluationView'
  | 'weights'
>;

export interface ExtractOptions {
  readonly engine: Engine;
  /**
   * Pooling of the tokens, or `patch` for the tokens of all patches. Default: the pooling of the model's head, or the mean of the patches'
   * tokens without a head.
   */
  readonly pooling?: FeatureTokens | undefined;
  /** Images per run of the engine. Default: 16,384 tokens, at most 256 images; on CPUs about a second. */
  readonly imagesAtOnce?: number | undefined;
  /** Folder that caches features, false for none. Default: `features` in the project's cache folder. */
  readonly featureCache?: string | false | undefined;
  /** Images per cached part. An interruption loses at most one part. Default: 512, of patches 8. */
  readonly partSize?: number | undefined;
  readonly broken?: BrokenImages | undefined;
  readonly onNote?: ((message: string) => void) | undefined;
  /** Aborts the extraction with the signal's reason. Complete parts stay cached. */
  readonly signal?: AbortSignal;
}

/** Options for calls that open a model; the engine defaults to the model's. */
export type FeatureOptions = Omit<ExtractOptions, 'engine'> &
  EngineOptions & {
    /** Number of attention heads, if another project's file does not give it. */
    readonly heads?: number | undefined;
    /** Height and width of the images; overrides the size in another project's file. */
    readonly image?: Size | undefined;
  };

/** Throws RunError for a model without features. */
export function requireFeatures(model: Parameters<typeof featureFault>[0]): void {
  const fault = featureFault(model);
  if (fault !== undefined) throw new RunError(fault);
}

/** Called with the images done and their total. */
export type OnProgress = (done: number, total: number) => void;

/**
 * Features of images by a frozen encoder: central crops, tokens pooled after the final norm. Each part of the images is
 * cached on disk as soon as it is done, and not computed again. Its key contains everything that it depends on: the encoder's weights
 * and sizes, normalisation, crop, pooling, the images (`Dataset.contentKey`) and the engine (`Engine.description`).
 */
export class FeatureExtractor {
  readonly config: FeatureConfig;
  readonly #model: FeatureModel;
  readonly #options: ExtractOptions;
  readonly #broken: BrokenImages;
  #key: string | undefined;
  readonly #partSize: number;
  #session: Promise<Session> | undefined;

  /** Throws RunError for class token pooling of a model without one, and for a model without features. */
  constructor(model: FeatureModel, options: ExtractOptions) {
    requireFeatures(model);
    const pooling = options.pooling ?? model.classifier?.pooling ?? 'mean';
    if (pooling === 'token' && !model.encoder.classToken)
      throw new RunError(
        `class token pooling needs a model with a class token, got ${model.path} without: use mean pooling`,
      );
    this.config = { ...model.encoder, pooling, fcNorm: model.classifier?.fcNorm ?? false };
    this.#model = model;
    this.#options = options;
    this.#broken = options.broken ?? new BrokenImages();
    this.#partSize = options.partSize ?? (pooling === 'patch' ? 8 : 512);
  }

  /**
   * Features of all readable images. Rejects with the signal's reason, and if no image is readable.
   * @param onProgress called first with the number of cached images, then during extraction
   */
  async features(dataset: Dataset, onProgress: OnProgress = () => {}): Promise<Features> {
    const parts = await this.#parts(dataset, onProgress);
    const all = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    const features = join(all, featureSize(this.config));
    if (features.indices.length > 0) return features;
    throw nothingReadable(dataset.name, this.#broken);
  }

  /** Frees the engine. */
  async dispose(): Promise<void> {
    await (await this.#session)?.dispose();
    this.#session = undefined;
  }

  /** All parts by their numbers, cached or computed. */
  async #parts(dataset: Dataset, onProgress: OnProgress): Promise<Map<number, Part>> {
    const { featureCache: cache } = this.#options;
    let store = cache === false ? undefined : this.#store(dataset, cache);
    const count = Math.ceil(dataset.length / this.#partSize);
    const parts = new Map<number, Part>();
    for (let number = 0; store && number < count; number++) {
      const part = await store.read(number);
      if (!part) continue;
      parts.set(number, part);
      for (const [id, reason] of part.broken) this.#broken.add(id, reason);
    }
    const missing = Array.from({ length: count }, (_, number) => number).filter((n) => !parts.has(n));
    const known = dataset.length - this.#indices(dataset, missing).length;
    onProgress(known, dataset.length);
    for await (const [number, part] of this.#make(dataset, missing, (done) =>
      onProgress(known + done, dataset.length),
    )) {
      // A part with images that failed to load, but are not broken, is not cached: they may load the next time.
      if (part.broken.every(([id]) => this.#broken.has(id)))
        await store?.write(number, part).catch((error: Error) => {
          store = undefined;
          this.#options.onNote?.(`features are not cached: ${error.message}`);
        });
      parts.set(number, part);
    }
    return parts;
  }

  /** Computes the parts with the given numbers, in this order. */
  async *#make(
    dataset: Dataset,
    numbers: readonly number[],
    onDone: (done: number) => void,
  ): AsyncGenerator<[number: number, part: Part]> {
    if (numbers.length === 0) return;
    const indices = this.#indices(dataset, numbers);
    const all = this.#rows(subset(dataset, indices));
    try {
      let next = await all.next();
      for (const number of numbers) {
        const own = this.#indices(dataset, [number]);
        const end = own.at(-1)! + 1;
        const rowsOfPart: Features[] = [];
        for (; !next.done && indices[next.value[0]]! < end; next = await all.next()) {
          const [place, features] = next.value;
          rowsOfPart.push({ features, width: features.length, indices: indices.subarray(place, place + 1) });
          onDone(place + 1);
        }
        const features = join(rowsOfPart, featureSize(this.config));
        const failed = own.filter((index) => !features.indices.includes(index));
        const broken = Array.from(failed, (index): Part['broken'][number] => {
          const id = dataset.id(index);
          return [id, this.#broken.reasons.get(id) ?? 'its view was not made'];
        });
        yield [number, { ...features, broken }];
      }
    } finally {
      await all.return(undefined);
    }
  }

  /** The images of some parts. */
  #indices(dataset: Dataset, numbers: readonly number[]): Int32Array {
    const size = this.#partSize;
    const of = (number: number) =>
      Array.from({ length: Math.min(size, dataset.length - number * size) }, (_, i) => number * size + i);
    return Int32Array.from(numbers.flatMap(of));
  }

  async *#rows(dataset: Dataset): AsyncGenerator<[index: number, row: Float32Array]> {
    const { imagesAtOnce = batchFor(this.config, this.#options.engine), signal } = this.#options;
    const size = Math.min(imagesAtOnce, dataset.length);
    const views = centralViews(this.#model, dataset, { batchSize: size, broken: this.#broken, signal });
    this.#session ??= this.#open();
    const session = await this.#session;
    const features = featureProgram(this.config, this.#model.normalisation, size);
    yield* rows(readable(views, dataset, this.#broken), programRows(session, features));
  }

  #open(): Promise<Session> {
    const specs = featureParameters(this.config);
    const weights = Object.fromEntries(specs.map(({ name }) => [name, this.#model.weights[name]!]));
    return this.#options.engine.open(weights);
  }

  #store(dataset: Dataset, folder: string | undefined): FeatureStore {
    this.#key ??= this.#modelKey();
    const key = contentKey([this.#key, dataset.contentKey]);
    const about = { model: this.#model.path, images: dataset.name };
    return new FeatureStore(folder ?? featureCacheFolder(), key, about, this.#options.onNote);
  }

  #modelKey(): string {
    const { normalisation, evaluationCrop, evaluationView, weights } = this.#model;
    const engine = this.#options.engine.description;
    const { mean, std, range } = normalisation;
    const about = {
      ...this.config,
      mean,
      std,
      range,
      evaluationCrop,
      evaluationView,
      engine,
      part: this.#partSize,
    };
    const tensors = featureParameters(this.config).flatMap(({ name }) => [name, weights[name]!]);
    return contentKey([JSON.stringify(about), ...tensors]);
  }
}
