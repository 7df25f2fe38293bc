import type { LinprobeConfig } from '../../config/linprobe-schema.ts';
import { RunError } from '../../run/error.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import { bestRate, scoreRates } from './choose-rate.ts';
import { divide, folds } from './folds.ts';
import { type Accuracy, linearAccuracies } from './linear-accuracy.ts';
import { type PartsFit, trainParts } from './train-parts.ts';

/** Number of folds. With no more images than this, it is leave-one-out. */
const FOLDS = 10;
/** With fewer images, a training fold is too small to choose a rate on. */
const FEWEST = 4;

/**
 * Cross-validated accuracy over all rows: each row is classified by a head trained on the other folds. The learning rate is chosen
 * for each fold separately, on its training rows only.
 * @param onProgress called after each epoch of all folds
 */
export async function crossValidate(
  features: LabelledFeatures,
  config: LinprobeConfig,
  fit: Omit<PartsFit, 'onProgress'>,
  onProgress: (what: string, done: number, total: number) => void,
): Promise<Accuracy & { readonly folds: number }> {
  const count = features.labels.length;
  if (count < FEWEST && config.learningRates.length > 1)
    throw new RunError(
      `choosing a learning rate needs at least ${FEWEST} images, got ${count}: give more images, or a single rate, such as --rates 1`,
    );
  const parts = folds(features.labels, FOLDS, config.seed).map((part) => divide(features, part));
  const trained = parts.map(({ train }) => train);
  const reporting = (what: string) => (done: number, total: number) => onProgress(what, done, total);
  const rates = await scoreRates(trained, config, {
    ...fit,
    onProgress: reporting('learning rates of the cross-validation: epoch'),
  });
  const best = rates.map((scores) => [bestRate(scores) ?? config.learningRates[0]!]);
  const heads = await trainParts(trained, best, config, {
    ...fit,
    onProgress: reporting('cross-validation: epoch'),
  });
  const tests = parts.map(({ test }, i) => ({ heads: heads[i]!, tested: test }));
  const accuracies = (await linearAccuracies(fit.engine, tests)).map(([accuracy]) => accuracy!);
  const share = (score: keyof Accuracy) => {
    const right = accuracies.reduce((sum, own, i) => sum + own[score]! * parts[i]!.test.labels.length, 0);
    return Math.round(right) / count;
  };
  const scored = Object.keys(accuracies[0]!) as (keyof Accuracy)[];
  const accuracy = Object.fromEntries(scored.map((score) => [score, share(score)]));
  return { ...(accuracy as unknown as Accuracy), folds: parts.length };
}
