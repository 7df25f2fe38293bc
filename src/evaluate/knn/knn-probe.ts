import type { BrokenImages } from '../../data/load/broken.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import type { Backend, Session } from '../../engines/engine.ts';
import type { Size } from '../../image/size.ts';
import { type RunData, sample } from '../../run/data.ts';
import { initialiseOnThreads } from '../../run/initialise-on-threads.ts';
import type { Setup } from '../../run/setup-pretrain.ts';
import type { Evaluator } from '../evaluator.ts';
import { collect, labelled, pixelRows, programRows, type RowsOf } from '../features/features.ts';
import { FEW_SET_ASIDE } from '../labelled-images.ts';
import { centralViews, thumbnail } from '../views.ts';
import { knnScores } from './knn.ts';
import type { KnnProbe } from './probe.ts';

/** Images of one run of the engine. */
const BATCH = 250;

/**
 * A probe on a run's images: training images vote on held-out ones, or, where those are too few, each training image is classified by
 * all others. Undefined when there are no labels.
 */
export function knnProbe(
  backend: Backend,
  setup: Setup,
  data: RunData,
  broken?: BrokenImages,
): KnnProbe | undefined {
  const { evaluation, seed, model } = setup.config;
  if (!data.heldOut || !data.train.labels || !data.heldOut.labels) return undefined;
  const leaveOneOut = data.heldOut.length < FEW_SET_ASIDE && data.train.length > data.heldOut.length;
  const most = leaveOneOut ? Math.min(evaluation.knnTrain, evaluation.knnTest) : evaluation.knnTrain;
  const train = sample(data.train, most, seed, 'knn train');
  const test = leaveOneOut ? train : sample(data.heldOut, evaluation.knnTest, seed, 'knn test');
  const batchSize = Math.min(BATCH, train.length, test.length);
  const of = async (dataset: Dataset, rowsOf: RowsOf, size: Size = model.image) => {
    const views = { encoder: model, evaluationCrop: setup.config.data.evaluationCrop };
    return labelled(
      await collect(centralViews(views, dataset, { batchSize, size, broken }), rowsOf),
      dataset,
    );
  };
  const { features, specs } = setup.programs(batchSize);
  const judge = async (rowsOf: RowsOf, size?: Size) => {
    const bank = await of(train, rowsOf, size);
    return knnScores(backend, bank, leaveOneOut ? bank : await of(test, rowsOf, size), leaveOneOut);
  };
  const ofWeights = (session: Session) => judge(programRows(session, features));
  return {
    train: train.length - (leaveOneOut ? 1 : 0),
    test: test.length,
    leaveOneOut,
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
      const rowsOf = pixelRows(setup.config.data, model.channels, size[0] * size[1]);
      return judge(rowsOf, size);
    }),
  };
}

function evaluator(name: string, measure: (session: Session) => Promise<Record<string, number>>): Evaluator {
  return {
    name,
    async *run(session) {
      yield* Object.entries(await measure(session));
    },
  };
}
