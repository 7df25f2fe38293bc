import type { LinprobeConfig } from '../../config/linprobe-schema.ts';
import { rng } from '../../random/rng.ts';
import { RunError } from '../../run/error.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import { divide, folds } from './folds.ts';
import { linearAccuracy } from './linear-accuracy.ts';
import { type ProbeFit, partSettings, trainProbe } from './train-probe.ts';

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
 * The learning rates' top-1 on a random share (`chooseOn`) of the rows, of heads trained on the others; where that share is too small,
 * on all rows, by cross-validation. Nothing where there is one rate only. Throws RunError for fewer than three rows.
 */
export async function scoreRates(
  features: LabelledFeatures,
  config: LinprobeConfig,
  fit: ProbeFit,
): Promise<RateScore[]> {
  const { learningRates, chooseOn, seed } = config;
  if (learningRates.length === 1) return [];
  const count = features.labels.length;
  if (count < 3)
    throw new RunError(
      `choosing a learning rate needs three images or more, got ${count}: give one learning rate alone`,
    );
  const aside = Math.round(chooseOn * count);
  const parts =
    aside < FEW
      ? folds(features.labels, FOLDS, seed)
      : [rng(seed, 'choose').permutation(count).subarray(0, aside).sort()];
  const right = learningRates.map(() => 0);
  for (const part of parts) {
    const { train, test } = divide(features, part);
    const heads = await trainProbe(train, partSettings(config, train.labels.length, learningRates), fit);
    const scores = await linearAccuracy(fit.backend, heads, test);
    for (const [i, { top1 }] of scores.entries()) right[i]! += top1 * part.length;
  }
  const images = parts.reduce((sum, part) => sum + part.length, 0);
  return learningRates.map((learningRate, i) => ({
    ...{ learningRate, images },
    heldOutTop1: Math.round(right[i]!) / images,
  }));
}

/** The rate that scored best, the lowest of those that did; undefined where there are none. */
export function bestRate(scores: readonly RateScore[]): number | undefined {
  const byRate = [...scores].sort((a, b) => a.learningRate - b.learningRate);
  const highest = Math.max(...byRate.map(({ heldOutTop1 }) => heldOutTop1));
  return byRate.find(({ heldOutTop1 }) => heldOutTop1 === highest)?.learningRate;
}
