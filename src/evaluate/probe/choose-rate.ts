import type { LinprobeConfig } from '../../config/linprobe-schema.ts';
import { rng } from '../../random/rng.ts';
import { RunError } from '../../run/error.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import { divide, folds } from './folds.ts';
import { linearAccuracies } from './linear-accuracy.ts';
import { type PartsFit, trainParts } from './train-parts.ts';

/** What a learning rate scored on rows that it was not trained on. */
export interface RateScore {
  readonly learningRate: number;
  /** In [0, 1]. */
  readonly heldOutTop1: number;
  /** Rows that it was judged by. */
  readonly images: number;
}

/** Fewer rows than this, set aside, tell no learning rate from another: all are judged in turn. */
const FEW = 20;
/** Parts of that cross-validation. */
const FOLDS = 3;

/**
 * The learning rates' top-1 on a random share (`chooseOn`) of the rows of each set, of heads trained on the others; where that share is
 * too small, on all rows, by cross-validation. Nothing where there is one rate only. Throws RunError for fewer than three rows.
 */
export async function scoreRates(
  sets: readonly LabelledFeatures[],
  config: LinprobeConfig,
  fit: PartsFit,
): Promise<RateScore[][]> {
  const { learningRates } = config;
  if (learningRates.length === 1) return sets.map(() => []);
  const parts = sets.flatMap((set, of) =>
    partsToJudge(set, config).map((part) => ({ of, ...divide(set, part) })),
  );
  const trained = parts.map(({ train }) => train);
  const heads = await trainParts(
    trained,
    trained.map(() => learningRates),
    config,
    fit,
  );
  const judged = parts.map(({ test }, i) => ({ heads: heads[i]!, judged: test }));
  const accuracies = await linearAccuracies(fit.engine, judged);
  return sets.map((_, set) => {
    const own = parts.flatMap(({ of, test }, i) =>
      of === set ? [{ images: test.labels.length, scores: accuracies[i]! }] : [],
    );
    const images = own.reduce((sum, part) => sum + part.images, 0);
    return learningRates.map((learningRate, rate) => {
      const right = own.reduce((sum, part) => sum + part.scores[rate]!.top1 * part.images, 0);
      return { learningRate, images, heldOutTop1: Math.round(right) / images };
    });
  });
}

/** Rows that are judged by heads trained on all others. */
function partsToJudge({ labels }: LabelledFeatures, { chooseOn, seed }: LinprobeConfig): Int32Array[] {
  const count = labels.length;
  if (count < 3)
    throw new RunError(
      `choosing a learning rate needs three images or more, got ${count}: give one learning rate alone`,
    );
  const aside = Math.round(chooseOn * count);
  return aside < FEW
    ? folds(labels, FOLDS, seed)
    : [rng(seed, 'choose').permutation(count).subarray(0, aside).sort()];
}

/** The rate that scored best, the lowest of those that did; undefined where there are none. */
export function bestRate(scores: readonly RateScore[]): number | undefined {
  const byRate = [...scores].sort((a, b) => a.learningRate - b.learningRate);
  const highest = Math.max(...byRate.map(({ heldOutTop1 }) => heldOutTop1));
  return byRate.find(({ heldOutTop1 }) => heldOutTop1 === highest)?.learningRate;
}
