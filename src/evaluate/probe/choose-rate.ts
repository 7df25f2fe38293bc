import type { LinprobeConfig } from '../../config/linprobe-schema.ts';
import { rng } from '../../random/rng.ts';
import { RunError } from '../../run/error.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import { divide, folds } from './folds.ts';
import { linearAccuracies } from './linear-accuracy.ts';
import { type PartsFit, trainParts } from './train-parts.ts';

/** The held-out score of a learning rate. */
export interface RateScore {
  readonly learningRate: number;
  /** In [0, 1]. */
  readonly heldOutTop1: number;
  /** Number of held-out rows. */
  readonly images: number;
}

/** Fewest held-out rows that distinguish learning rates. With fewer, cross-validation is used. */
const FEW = 20;
/** Folds of that cross-validation. */
const FOLDS = 3;

/**
 * Held-out top-1 of each learning rate, for each set: on a random share (`chooseOn`) of its rows, with heads trained on the others. If
 * that share is too small, on all rows by cross-validation. Empty for a single rate. Throws RunError for fewer than three rows.
 */
export async function scoreRates(
  sets: readonly LabelledFeatures[],
  config: LinprobeConfig,
  fit: PartsFit,
): Promise<RateScore[][]> {
  const { learningRates } = config;
  if (learningRates.length === 1) return sets.map(() => []);
  const parts = sets.flatMap((set, of) =>
    heldOutRows(set, config).map((part) => ({ of, ...divide(set, part) })),
  );
  const trained = parts.map(({ train }) => train);
  const heads = await trainParts(
    trained,
    trained.map(() => learningRates),
    config,
    fit,
  );
  const tests = parts.map(({ test }, i) => ({ heads: heads[i]!, tested: test }));
  const accuracies = await linearAccuracies(fit.engine, tests);
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

/** The held-out rows of each fold. */
function heldOutRows({ labels }: LabelledFeatures, { chooseOn, seed }: LinprobeConfig): Int32Array[] {
  const count = labels.length;
  if (count < 3)
    throw new RunError(
      `choosing a learning rate needs at least three images, got ${count}: give a single learning rate`,
    );
  const aside = Math.round(chooseOn * count);
  return aside < FEW
    ? folds(labels, FOLDS, seed)
    : [rng(seed, 'choose').permutation(count).subarray(0, aside).sort()];
}

/** The rate with the best score, the lowest one at a tie; undefined without scores. */
export function bestRate(scores: readonly RateScore[]): number | undefined {
  const byRate = [...scores].sort((a, b) => a.learningRate - b.learningRate);
  const highest = Math.max(...byRate.map(({ heldOutTop1 }) => heldOutTop1));
  return byRate.find(({ heldOutTop1 }) => heldOutTop1 === highest)?.learningRate;
}
