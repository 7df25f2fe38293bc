import type { BrokenImages } from '../../data/load/broken.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import type { Backend, Session } from '../../engines/engine.ts';
import type { Size } from '../../image/size.ts';
import { type RunData, sample } from '../../run/data.ts';
import { initialiseOnThreads } from '../../run/initialise-on-threads.ts';
import type { Setup } from '../../run/setup-pretrain.ts';
import type { Evaluator, Score } from '../evaluator.ts';
import { collect, labelled, pixelRows, programRows, type RowsOf } from '../features/features.ts';
import { linearScore } from '../probe/linear-score.ts';
import { centralViews, thumbnail } from '../views.ts';
import { knnAccuracy, NEIGHBOURS } from './knn.ts';
import type { KnnProbe } from './probe.ts';

/** Images of one run of the engine. */
const BATCH = 250;

/** A probe on a run's images: training images vote, or train a linear classifier, and held-out ones are classified. Undefined when there are no labels. */
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
    const views = { encoder: model, evaluationCrop: setup.config.data.evaluationCrop };
    return labelled(
      await collect(centralViews(views, dataset, { batchSize, size, broken }), rowsOf),
      dataset,
    );
  };
  const judge = async (rowsOf: RowsOf, size?: Size): Promise<Score[]> => {
    const [bank, queries] = [await of(train, rowsOf, size), await of(test, rowsOf, size)];
    const linear = await linearScore(backend, bank, queries, seed);
    return [
      ...scores(await knnAccuracy(backend, bank, queries)),
      ...(linear === undefined ? [] : [['linear', linear] as const]),
    ];
  };
  const { features, specs } = setup.programs(batchSize);
  const ofWeights = (session: Session) => judge(programRows(session, features));
  return {
    train: train.length,
    test: test.length,
    features: evaluator('kNN and linear probe of features', ofWeights),
    random: evaluator('kNN and linear probe of features of random weights', async () => {
      const session = await backend.open(await initialiseOnThreads(specs, seed));
      try {
        return await ofWeights(session);
      } finally {
        await session.dispose();
      }
    }),
    pixels: evaluator('kNN and linear probe of raw pixels', async () => {
      const size = thumbnail(model.image);
      return judge(pixelRows(setup.config.data, model.channels, size[0] * size[1]), size);
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
