import type { LinprobeConfig } from '../../config/linprobe-schema.ts';
import { rng } from '../../random/rng.ts';
import { RunError } from '../../run/error.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import { linearAccuracy } from './linear-accuracy.ts';
import { type ProbeFit, probeSettings, trainProbe } from './train-probe.ts';

/** What a learning rate scored on rows that were set aside. */
export interface RateScore {
  readonly learningRate: number;
  /** In [0, 1]. */
  readonly heldOutTop1: number;
}

/**
 * The learning rates' top-1 on a random share (`chooseOn`) of the rows, of heads trained on the others; nothing where there is
 * one rate only. Throws RunError when there are too few rows to set some aside.
 */
export async function scoreRates(
  features: LabelledFeatures,
  config: LinprobeConfig,
  fit: ProbeFit,
): Promise<RateScore[]> {
  const { learningRates, chooseOn, seed } = config;
  if (learningRates.length === 1) return [];
  const count = features.labels.length;
  const aside = Math.round(chooseOn * count);
  if (aside < 1 || count - aside < 2)
    throw new RunError(
      `choosing a learning rate needs more images, got ${count}, of which ${aside} would be set aside: give one learning rate alone`,
    );
  const order = rng(seed, 'choose').permutation(count);
  const settings = probeSettings(config, count - aside, learningRates);
  const heads = await trainProbe(take(features, order.subarray(aside).sort()), settings, fit);
  const scores = await linearAccuracy(fit.backend, heads, take(features, order.subarray(0, aside).sort()));
  return learningRates.map((learningRate, i) => ({ learningRate, heldOutTop1: scores[i]!.top1 }));
}

/** The rate that scored best, the lowest of those that did; undefined where there are none. */
export function bestRate(scores: readonly RateScore[]): number | undefined {
  const byRate = [...scores].sort((a, b) => a.learningRate - b.learningRate);
  const highest = Math.max(...byRate.map(({ heldOutTop1 }) => heldOutTop1));
  return byRate.find(({ heldOutTop1 }) => heldOutTop1 === highest)?.learningRate;
}

function take({ features, labels }: LabelledFeatures, rows: Int32Array): LabelledFeatures {
  const width = features.length / labels.length;
  const taken = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries())
    taken.set(features.subarray(row * width, (row + 1) * width), i * width);
  return { features: taken, labels: rows.map((row) => labels[row]!) };
}
