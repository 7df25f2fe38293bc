import type { LinprobeConfig } from '../../config/linprobe-schema.ts';
import { RunError } from '../../run/error.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import { bestRate, scoreRates } from './choose-rate.ts';
import { divide, folds } from './folds.ts';
import { type Accuracy, linearAccuracies } from './linear-accuracy.ts';
import { type PartsFit, trainParts } from './train-parts.ts';

/** Parts of the cross-validation: leave-one-out for as few images. */
const FOLDS = 10;
/** With fewer, a part leaves too few to choose a rate on. */
const FEWEST = 4;

/**
 * Accuracy over all rows, each judged by a head that was trained on the nine other parts; the learning rate is chosen on those parts
 * alone, for each part afresh.
 * @param onProgress called after each epoch of all parts
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
      `a learning rate is chosen of ${FEWEST} images or more, got ${count}: give more images, or one rate alone, such as --rates 1`,
    );
  const parts = folds(features.labels, FOLDS, config.seed).map((part) => divide(features, part));
  const trained = parts.map(({ train }) => train);
  const telling = (what: string) => (done: number, total: number) => onProgress(what, done, total);
  const rates = await scoreRates(trained, config, {
    ...fit,
    onProgress: telling('learning rates of the cross-validation: epoch'),
  });
  const best = rates.map((scores) => [bestRate(scores) ?? config.learningRates[0]!]);
  const heads = await trainParts(trained, best, config, {
    ...fit,
    onProgress: telling('cross-validation: epoch'),
  });
  const judged = parts.map(({ test }, i) => ({ heads: heads[i]!, judged: test }));
  const accuracies = (await linearAccuracies(fit.engine, judged)).map(([accuracy]) => accuracy!);
  const share = (score: keyof Accuracy) => {
    const right = accuracies.reduce((sum, own, i) => sum + own[score]! * parts[i]!.test.labels.length, 0);
    return Math.round(right) / count;
  };
  const scored = Object.keys(accuracies[0]!) as (keyof Accuracy)[];
  const accuracy = Object.fromEntries(scored.map((score) => [score, share(score)]));
  return { ...(accuracy as unknown as Accuracy), folds: parts.length };
}
