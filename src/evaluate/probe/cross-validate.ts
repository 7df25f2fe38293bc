import type { LinprobeConfig } from '../../config/linprobe-schema.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import { bestRate, scoreRates } from './choose-rate.ts';
import { divide, folds } from './folds.ts';
import { type Accuracy, linearAccuracy } from './linear-accuracy.ts';
import { type ProbeFit, partSettings, trainProbe } from './train-probe.ts';

/** Parts of the cross-validation: leave-one-out for as few images. */
const FOLDS = 10;

/**
 * Accuracy over all rows, each judged by a head that was trained on the nine other parts; the learning rate is chosen on those parts
 * alone, for each part afresh.
 * @param onFold called after each part
 */
export async function crossValidate(
  features: LabelledFeatures,
  config: LinprobeConfig,
  fit: ProbeFit,
  onFold: (done: number, total: number) => void,
): Promise<Accuracy & { readonly folds: number }> {
  const parts = folds(features.labels, FOLDS, config.seed);
  const sums: Record<keyof Accuracy, number> = { top1: 0, top5: 0 };
  let scored: readonly (keyof Accuracy)[] = [];
  for (const [i, part] of parts.entries()) {
    const { train, test } = divide(features, part);
    const rates = await scoreRates(train, config, fit);
    const rate = bestRate(rates) ?? config.learningRates[0]!;
    const settings = partSettings(config, train.labels.length, [rate]);
    const [accuracy] = await linearAccuracy(fit.backend, await trainProbe(train, settings, fit), test);
    scored = Object.keys(accuracy!) as (keyof Accuracy)[];
    for (const score of scored) sums[score] += accuracy![score]! * part.length;
    onFold(i + 1, parts.length);
  }
  const share = (sum: number) => Math.round(sum) / features.labels.length;
  const accuracy = Object.fromEntries(scored.map((score) => [score, share(sums[score])]));
  return { ...(accuracy as unknown as Accuracy), folds: parts.length };
}
