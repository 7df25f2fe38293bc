import type { BrokenImages } from '../../data/load/broken.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import type { Backend, Session } from '../../engines/engine.ts';
import { normalisationOf } from '../../image/normalise.ts';
import type { Size } from '../../image/size.ts';
import { type RunData, sample } from '../../run/data.ts';
import { initialiseOnThreads } from '../../run/initialise-on-threads.ts';
import type { Setup } from '../../run/setup-pretrain.ts';
import type { Evaluator, Score } from '../evaluator.ts';
import { collect, labelled, pixelRows, programRows, type RowsOf } from '../features/features.ts';
import { unlearnedClasses } from '../unlearned.ts';
import { centralViews, thumbnail } from '../views.ts';
import { knnAccuracy, NEIGHBOURS } from './knn.ts';
import type { KnnProbe } from './probe.ts';

/** Images of one run of the engine. */
const BATCH = 250;

/** A probe on a run's images: training images vote on held-out ones. Undefined when there are no labels. */
export function knnProbe(
  backend: Backend,
  setup: Setup,
  data: RunData,
  broken?: BrokenImages,
): KnnProbe | undefined {
  const { evaluation, seed, model } = setup.config;
  if (!data.heldOut || !data.train.labels || !data.heldOut.labels) return undefined;
  const train = sample(data.train, evaluation.knnTrain, seed, 'knn train');
  const test = sample(data.heldOut, evaluation.knnTest, seed, 'knn test');
  const batchSize = Math.min(BATCH, train.length, test.length);
  const of = async (dataset: Dataset, rowsOf: RowsOf, size: Size = model.image) => {
    const { data: settings } = setup.config;
    const { evaluationCrop } = settings;
    const normalisation = normalisationOf(settings);
    const views = { encoder: model, normalisation, evaluationCrop };
    return labelled(
      await collect(centralViews(views, dataset, { batchSize, size, broken }), rowsOf),
      dataset,
    );
  };
  const { features, specs } = setup.programs(batchSize);
  const ofWeights = async (session: Session) => {
    const rowsOf = programRows(session, features);
    return scores(await knnAccuracy(backend, await of(train, rowsOf), await of(test, rowsOf)));
  };
  return {
    train: train.length,
    test: test.length,
    warning: unlearnedClasses(train.classes!, train.labels!, test.labels!),
    features: evaluator('kNN of features', ofWeights),
    random: evaluator('kNN of features of random weights', async () => {
      const session = await backend.open(await initialiseOnThreads(specs, seed));
      try {
        return await ofWeights(session);
      } finally {
        await session.dispose();
      }
    }),
    pixels: evaluator('kNN of raw pixels', async () => {
      const size = thumbnail(model.image);
      const rowsOf = pixelRows(normalisationOf(setup.config.data), model.channels, size[0] * size[1]);
      return scores(await knnAccuracy(backend, await of(train, rowsOf, size), await of(test, rowsOf, size)));
    }),
  };
}

function evaluator(name: string, measure: (session: Session) => Promise<Score[]>): Evaluator {
  return {
    name,
    async *run(session) {
      yield* await measure(session);
    },
  };
}

/** `knn10` and so on, for the default numbers of neighbours. */
export function scores(accuracies: readonly number[]): Score[] {
  return accuracies.map((accuracy, i) => [`knn${NEIGHBOURS[i]}`, accuracy]);
}
