import type { Backend } from '../backends/backend.ts';
import { mergeConfig } from '../config/overrides.ts';
import { type ConfigInput, parseConfig } from '../config/schema.ts';
import { readCheckpoint } from '../train/checkpoint.ts';
import { openData } from '../train/datasets.ts';
import { openEngine } from '../train/engine.ts';
import { RunError } from '../train/error.ts';
import type { KnnScores } from '../train/events.ts';
import { findCheckpoint } from '../train/run-folder.ts';
import { setUp } from '../train/setup.ts';
import { type Evaluator, evaluate } from './evaluator.ts';
import { knnProbe } from './knn-probe.ts';

export interface KnnCheckpointOptions {
  /** Laid over the run's settings: other images (`data.source`), or numbers of them (`evaluation.knnTrain`). */
  readonly settings?: ConfigInput;
  readonly backend?: Backend;
  /** Called before each of the three measurements. */
  readonly onProgress?: (what: string) => void;
}

/**
 * The kNN report of a checkpoint (a file, or the folder of a run for its newest): top-1 of its features, of a random
 * initialisation's, and of raw pixels (k = 20, cosine, temperature 0.07). Throws RunError when the images have no
 * classes or none are held out, FileFormatError when it is no checkpoint of a run.
 */
export async function knn(path: string, options: KnnCheckpointOptions = {}): Promise<KnnScores> {
  const { config: stored, state } = await readCheckpoint(await findCheckpoint(path));
  const config = parseConfig(mergeConfig(stored, options.settings ?? {}));
  const data = await openData(config);
  const backend = options.backend ?? (await openEngine(config.engine));
  const probe = knnProbe(backend, setUp(config), data);
  if (!probe)
    throw new RunError(
      `kNN needs images with classes, some of them held out: use cifar10 or classes:FOLDER, got ${config.data.source}`,
    );
  const say = options.onProgress ?? (() => {});
  const session = await backend.open(state);
  try {
    say('features of the checkpoint');
    const of = async (evaluator: Evaluator) => (await evaluate(evaluator, session)).knn20!;
    const features = await of(probe.features);
    say('features of random weights');
    const random = await of(probe.random);
    say('raw pixels');
    return { features, random, pixels: await of(probe.pixels), train: probe.train, test: probe.test };
  } finally {
    await session.dispose();
  }
}
