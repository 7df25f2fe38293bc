import type { Backend, Session } from '../backends/backend.ts';
import type { BrokenImages } from '../data/broken.ts';
import type { Dataset } from '../data/dataset.ts';
import { initialise } from '../nn/init.ts';
import { type RunData, sample } from '../train/datasets.ts';
import type { KnnProbe } from '../train/probe.ts';
import type { Setup } from '../train/setup.ts';
import type { Evaluator, Score } from './evaluator.ts';
import { modelFeatures, pixelFeatures } from './features.ts';
import { knnAccuracy, NEIGHBOURS } from './knn.ts';

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
  const views = (dataset: Dataset) =>
    setup.evaluationViews(dataset, 'encoder', { batchSize, ...(broken && { broken }) });
  const { features, specs } = setup.programs(batchSize);
  const ofWeights = async (session: Session) => {
    const bank = await modelFeatures(session, features, views(train));
    return scores(await knnAccuracy(backend, bank, await modelFeatures(session, features, views(test))));
  };
  return {
    train: train.length,
    test: test.length,
    features: evaluator('kNN of features', ofWeights),
    random: evaluator('kNN of features of random weights', async () => {
      const session = await backend.open(initialise(specs, seed));
      try {
        return await ofWeights(session);
      } finally {
        await session.dispose();
      }
    }),
    pixels: evaluator('kNN of raw pixels', async () => {
      const pixels = model.image[0] * model.image[1];
      const raw = (dataset: Dataset) =>
        pixelFeatures(views(dataset), setup.config.data, model.channels, pixels);
      return scores(await knnAccuracy(backend, await raw(train), await raw(test)));
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

function scores(accuracies: readonly number[]): Score[] {
  return accuracies.map((accuracy, i) => [`knn${NEIGHBOURS[i]}`, accuracy]);
}
