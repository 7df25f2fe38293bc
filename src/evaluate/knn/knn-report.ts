import { BrokenImages } from '../../data/load/broken.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import { inWords } from '../../data/sources/scheme.ts';
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
import {
  type LabelledImages,
  type LabelledImagesOptions,
  openLabelled,
  requireClasses,
} from '../labelled-images.ts';
import { modelEngine } from '../model-engine.ts';
import { unlearnedClasses } from '../unlearned.ts';
import { centralViews, thumbnail } from '../views.ts';
import { knnScores } from './knn.ts';
import type { KnnReport } from './knn-folder.ts';
import { KnnFolder } from './knn-folder.ts';

export interface KnnReportOptions
  extends Omit<LabelledImagesOptions, 'onProgress' | 'onNote'>,
    FeatureOptions {
  /** Largest numbers of voting and of classified images; 0: all. Default: 10,000 and 2,000. */
  readonly trainImages?: number | undefined;
  readonly testImages?: number | undefined;
  /** Seed of the sampled images and of the random weights. Default: 0. */
  readonly seed?: number | undefined;
  /** Folder for settings and scores, which `report` reads. Default: none. */
  readonly output?: string | undefined;
  /** Called while images are fetched or features computed. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/**
 * The kNN report of a model (a file of weights, or the folder of a run): see `knnAccuracy`. Features are cached on disk, see
 * `FeatureExtractor`. Throws RunError if the folder of `output` holds something else, and the errors of `openModel` and `openLabelled`.
 */
export async function knn(path: string, options: KnnReportOptions = {}): Promise<KnnReport> {
  const { seed = 0, output, signal, onProgress: say = () => {} } = options;
  const folder = output === undefined ? undefined : await KnnFolder.open(output, path, settingsOf(options));
  const model = await openModel(path, { heads: options.heads, image: options.image });
  const all = await openLabelled(model, {
    ...options,
    onProgress: inWords(say),
  });
  const classes = all.train.classes!;
  requireClasses('kNN', classes);
  const engine = await modelEngine(model, options);
  const given = { ...options, engine, broken: options.broken ?? new BrokenImages() };
  const images = chosen(all, options);
  const trained = new FeatureExtractor(model, given);
  const weights = await initialiseOnThreads(featureParameters(trained.config), seed);
  const random = new FeatureExtractor({ ...model, path: 'random weights', weights }, given);
  const score = async (
    what: string,
    featuresOf: (dataset: Dataset, onProgress: OnProgress) => Promise<Features>,
  ) => {
    const { train, test, leaveOneOut } = images;
    const total = train.length + (leaveOneOut ? 0 : test.length);
    const bank = labelled(await featuresOf(train, (done) => say(what, done, total)), train);
    const queries = leaveOneOut
      ? bank
      : labelled(await featuresOf(test, (done) => say(what, train.length + done, total)), test);
    const accuracies = await knnScores(engine, bank, queries, { leaveOneOut, signal });
    const warning = unlearnedClasses(train.classes!, bank.labels, queries.labels, leaveOneOut);
    const voters = bank.labels.length - (leaveOneOut ? 1 : 0);
    return { accuracies, warning, train: voters, test: queries.labels.length };
  };
  try {
    const { accuracies, warning, ...counts } = await score('features of the model', (...args) =>
      trained.features(...args),
    );
    if (warning !== undefined) options.onNote?.(warning);
    const { accuracies: ofRandom } = await score('features of random weights', (...args) =>
      random.features(...args),
    );
    const { accuracies: ofPixels } = await score('raw pixels', (dataset, onProgress) =>
      pixels(model, dataset, given, onProgress),
    );
    const { source, testSource } = all;
    const report: KnnReport = {
      ...{ features: accuracies, random: ofRandom, pixels: ofPixels, ...counts },
      ...{ leaveOneOut: images.leaveOneOut, source, ...(testSource !== undefined && { testSource }) },
      engine: engine.description,
    };
    await folder?.save(report);
    return report;
  } finally {
    await trained.dispose();
    await random.dispose();
  }
}

/** The settings that the report's folder records. */
export function settingsOf({
  data,
  test,
  heldOut,
  trainImages,
  testImages,
  seed,
  pooling,
}: KnnReportOptions) {
  return { data, test, heldOut, trainImages, testImages, seed, pooling };
}

/** Samples of the voting and of the classified images. */
function chosen(
  { train, test, undivided }: LabelledImages,
  { trainImages = 10_000, testImages = 2_000, seed = 0 }: KnnReportOptions,
) {
  const fits = (most: number) => most === 0 || undivided!.length <= most;
  if (undivided && fits(trainImages) && fits(testImages))
    return { train: undivided, test: undivided, leaveOneOut: true };
  return {
    train: some(train, trainImages, seed, 'knn train'),
    test: some(test, testImages, seed, 'knn test'),
    leaveOneOut: false,
  };
}

function some(dataset: Dataset, count: number, seed: number, purpose: string): Dataset {
  return count === 0 ? dataset : sample(dataset, count, seed, purpose);
}

function pixels(
  model: Model,
  dataset: Dataset,
  { broken, signal }: Pick<ExtractOptions, 'broken' | 'signal'>,
  onProgress: OnProgress,
): Promise<Features> {
  const size = thumbnail(model.encoder.image);
  const batchSize = Math.min(256, dataset.length);
  const views = centralViews(model, dataset, { batchSize, size, broken, signal });
  const rowsOf = pixelRows(model.normalisation, model.encoder.channels, size[0] * size[1]);
  return collect(views, rowsOf, (done) => onProgress(done, dataset.length));
}
