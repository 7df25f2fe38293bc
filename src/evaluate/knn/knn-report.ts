import { BrokenImages } from '../../data/load/broken.ts';
import { fetched } from '../../data/sources/cifar10-fetch.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import { featureParameters } from '../../programs/features.ts';
import { sample } from '../../run/data.ts';
import { initialiseOnThreads } from '../../run/initialise-on-threads.ts';
import { type Model, openModel } from '../../weights/model.ts';
import {
  type ExtractOptions,
  FeatureExtractor,
  type FeatureOptions,
  type OnProgress,
} from '../features/extract.ts';
import { collect, type Features, labelled, pixelRows } from '../features/features.ts';
import { type LabelledImagesOptions, openLabelled } from '../labelled-images.ts';
import { modelEngine } from '../model-engine.ts';
import { centralViews, thumbnail } from '../views.ts';
import { knnAccuracy } from './knn.ts';
import { scores } from './knn-probe.ts';

export interface KnnReportOptions extends Omit<LabelledImagesOptions, 'onProgress'>, FeatureOptions {
  /** Most images that vote, and that are classified; 0: all. Default: 10,000 and 2,000. */
  readonly trainImages?: number | undefined;
  readonly testImages?: number | undefined;
  /** Chooses those images, and the random weights. Default: 0. */
  readonly seed?: number | undefined;
  /** Called while images are fetched or features computed. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/** Top-1 accuracies, in [0, 1], by number of neighbours: `knn10`, `knn20`, `knn100`, `knn200`. */
export type KnnByNeighbours = Record<string, number>;

export interface KnnReport {
  /** Of the model's features, of those of the same model with random weights, and of raw pixels (32 × 32 at most). */
  readonly features: KnnByNeighbours;
  readonly random: KnnByNeighbours;
  readonly pixels: KnnByNeighbours;
  /** Images that voted, and images that were classified. */
  readonly train: number;
  readonly test: number;
}

/**
 * The kNN report of a model (a file of weights, or the folder of a run): see `knnAccuracy`. Features are kept on the disk, see
 * `FeatureExtractor`. Throws what `openModel` and `openLabelled` throw.
 */
export async function knn(path: string, options: KnnReportOptions = {}): Promise<KnnReport> {
  const { seed = 0, onProgress: say = () => {} } = options;
  const model = await openModel(path, { heads: options.heads });
  const all = await openLabelled(model, {
    ...options,
    onProgress: (progress) => say(fetched(progress), progress.done, progress.total),
  });
  const backend = await modelEngine(model, options);
  const given = { ...options, backend, broken: options.broken ?? new BrokenImages() };
  const images = {
    train: some(all.train, options.trainImages ?? 10_000, seed, 'knn train'),
    test: some(all.test, options.testImages ?? 2_000, seed, 'knn test'),
  };
  const trained = new FeatureExtractor(model, given);
  const weights = await initialiseOnThreads(featureParameters(trained.config), seed);
  const random = new FeatureExtractor({ ...model, path: 'random weights', weights }, given);
  const judge = async (
    what: string,
    featuresOf: (dataset: Dataset, onProgress: OnProgress) => Promise<Features>,
  ) => {
    const { train, test } = images;
    const total = train.length + test.length;
    const bank = labelled(await featuresOf(train, (done) => say(what, done, total)), train);
    const queries = labelled(await featuresOf(test, (done) => say(what, train.length + done, total)), test);
    const accuracies = Object.fromEntries(scores(await knnAccuracy(backend, bank, queries)));
    return { accuracies, train: bank.labels.length, test: queries.labels.length };
  };
  try {
    const { accuracies, ...counts } = await judge('features of the model', (...args) =>
      trained.features(...args),
    );
    const { accuracies: ofRandom } = await judge('features of random weights', (...args) =>
      random.features(...args),
    );
    const { accuracies: ofPixels } = await judge('raw pixels', (dataset) => pixels(model, dataset, given));
    return { features: accuracies, random: ofRandom, pixels: ofPixels, ...counts };
  } finally {
    await trained.dispose();
    await random.dispose();
  }
}

function some(dataset: Dataset, count: number, seed: number, purpose: string): Dataset {
  return count === 0 ? dataset : sample(dataset, count, seed, purpose);
}

function pixels(
  model: Model,
  dataset: Dataset,
  { broken, signal }: Pick<ExtractOptions, 'broken' | 'signal'>,
): Promise<Features> {
  const size = thumbnail(model.encoder.image);
  const batchSize = Math.min(256, dataset.length);
  const views = centralViews(model, dataset, { batchSize, size, broken, signal });
  return collect(views, pixelRows(model.normalisation, model.encoder.channels, size[0] * size[1]));
}
