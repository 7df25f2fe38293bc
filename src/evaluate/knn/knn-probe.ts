import type { BrokenImages } from '../../data/load/broken.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import type { Engine, Session } from '../../engines/engine.ts';
import { normalisationOf } from '../../image/normalise.ts';
import type { Size } from '../../image/size.ts';
import { type RunData, sample } from '../../run/data.ts';
import { initialiseOnThreads } from '../../run/initialise-on-threads.ts';
import type { Setup } from '../../run/setup-pretrain.ts';
import type { Evaluator, Score, Watch } from '../evaluator.ts';
import { collect, labelled, pixelRows, programRows, type RowsOf } from '../features/features.ts';
import { shortRun } from '../images-at-once.ts';
import { FEW_SET_ASIDE } from '../labelled-images.ts';
import { linearScore } from '../probe/linear-score.ts';
import { unlearnedClasses } from '../unlearned.ts';
import { centralViews, thumbnail } from '../views.ts';
import { knnScores } from './knn.ts';
import type { KnnProbe } from './probe.ts';
import { cachedScores } from './score-cache.ts';

const [FEATURES, RANDOM, PIXELS] = ['features', 'random weights', 'raw pixels'];
/** Most images per run of the engine. */
const BATCH = 250;

export interface KnnProbeOptions {
  readonly broken?: BrokenImages;
  /** True: until the first update, the evaluated session holds the random weights of the run's seed. */
  readonly randomStart?: boolean;
  /** Folder that caches the scores of random weights and pixels, false for none. Default: `scores` in the feature cache. */
  readonly scoreCache?: string | false | undefined;
}

/**
 * A probe on a run's images: training images vote and train a linear classifier, and held-out images are classified. With too few
 * held-out images, each training image is classified by all others, without a linear classifier. Undefined without labels.
 */
export function knnProbe(
  engine: Engine,
  setup: Setup,
  data: RunData,
  { broken, randomStart = false, scoreCache }: KnnProbeOptions = {},
): KnnProbe | undefined {
  const { evaluation, seed, model, data: views } = setup.config;
  if (!data.heldOut || !data.train.labels || !data.heldOut.labels) return undefined;
  const leaveOneOut = data.heldOut.length < FEW_SET_ASIDE && data.train.length > data.heldOut.length;
  const most = leaveOneOut ? Math.min(evaluation.knnTrain, evaluation.knnTest) : evaluation.knnTrain;
  const train = sample(data.train, most, seed, 'knn train');
  const test = leaveOneOut ? train : sample(data.heldOut, evaluation.knnTest, seed, 'knn test');
  const { evaluationCrop } = views;
  const normalisation = normalisationOf(views);
  const batchSize = Math.min(shortRun(model, engine, BATCH), train.length, test.length);
  const score = async (
    what: string,
    rowsOf: RowsOf,
    size: Size,
    { signal, onProgress }: Watch,
  ): Promise<Score[]> => {
    const given = { encoder: model, normalisation, evaluationCrop };
    const total = train.length + (leaveOneOut ? 0 : test.length);
    const of = async (dataset: Dataset, before: number) => {
      const batches = centralViews(given, dataset, { batchSize, size, broken, signal });
      const progress = (done: number) => {
        if (done % batchSize === 0 || done === dataset.length) onProgress?.(before + done, total);
      };
      return labelled(await collect(batches, rowsOf, progress), dataset);
    };
    const bank = await of(train, 0);
    const queries = leaveOneOut ? bank : await of(test, train.length);
    const scores = Object.entries(await knnScores(engine, bank, queries, { leaveOneOut, signal }));
    if (leaveOneOut) return scores;
    const watch = {
      signal,
      onProgress: (done: number, total: number) => onProgress?.(done, total, `linear probe of ${what}`),
    };
    const linear = await linearScore(engine, bank, queries, seed, watch);
    return linear === undefined ? scores : [...scores, ['linear', linear]];
  };
  const { features, specs } = setup.programs(batchSize);
  const ofWeights = (what: string, session: Session, watch: Watch) =>
    score(what, programRows(session, features), model.image, watch);
  const ofRandomWeights = async (watch: Watch) => {
    const session = await engine.open(await initialiseOnThreads(specs, seed));
    try {
      return await ofWeights(RANDOM, session, watch);
    } finally {
      await session.dispose();
    }
  };
  const what = leaveOneOut ? 'kNN' : 'kNN and linear probe';
  const size = thumbnail(model.image);
  const ofPixels = (watch: Watch) =>
    score(PIXELS, pixelRows(normalisation, model.channels, size[0] * size[1]), size, watch);
  const depends = [
    { normalisation, evaluationCrop, batchSize, leaveOneOut, engine: engine.description },
    ...[train.contentKey, test.contentKey],
  ];
  const cached = (about: readonly unknown[], measure: () => Promise<Score[]>) =>
    scoreCache === false ? measure() : cachedScores([...about, ...depends], measure, scoreCache);
  return {
    train: train.length - (leaveOneOut ? 1 : 0),
    test: test.length,
    leaveOneOut,
    warning: unlearnedClasses(
      train.classes!,
      train.labels!,
      test.labels!,
      leaveOneOut,
      'add images of these classes', // pre-training has no option for test images
    ),
    features: evaluator(`${what} of ${FEATURES}`, (session, watch) => ofWeights(FEATURES, session, watch)),
    random: evaluator(`${what} of ${RANDOM}`, (session, watch) =>
      cached([model, seed], () => (randomStart ? ofWeights(RANDOM, session, watch) : ofRandomWeights(watch))),
    ),
    pixels: evaluator(`${what} of ${PIXELS}`, (_, watch) =>
      cached(['pixels', size, model.channels, seed], () => ofPixels(watch)),
    ),
  };
}

function evaluator(name: string, measure: (session: Session, watch: Watch) => Promise<Score[]>): Evaluator {
  return {
    name,
    async *run(session, watch = {}) {
      yield* await measure(session, watch);
    },
  };
}
