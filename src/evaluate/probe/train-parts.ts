import { type LinprobeConfig, probeBatch } from '../../config/linprobe-schema.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import type { LinearHead } from './batch-norm.ts';
import { type ProbeFit, trainSets } from './train-probe.ts';

/** Largest number of weights trained side by side, to bound memory. */
const WEIGHTS_AT_ONCE = 4e6;

/** The engine, callbacks and storage for training probes on parts. */
export interface PartsFit extends Omit<ProbeFit, 'onEpoch'> {
  /** Called after each epoch with the epochs done and their total. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Trains heads on parts of a set, with the same results as `trainProbe` on each part; a batch is at most a part. Parts with the same
 * number of rows are trained side by side, since starting an engine takes longer than training a few parts.
 * @param rates learning rates of each part's heads, the same number for each part
 */
export async function trainParts(
  parts: readonly LabelledFeatures[],
  rates: readonly (readonly number[])[],
  config: LinprobeConfig,
  { onProgress, ...fit }: PartsFit,
): Promise<LinearHead[][]> {
  const { features, labels } = parts[0]!;
  const weights = (features.length / labels.length) * fit.classes * rates[0]!.length;
  const groups = alike(parts, Math.max(1, Math.floor(WEIGHTS_AT_ONCE / weights)));
  const heads: LinearHead[][] = [];
  for (const [i, group] of groups.entries()) {
    const sets = group.map((part) => parts[part]!);
    const count = sets[0]!.labels.length;
    const settings = { ...config, batchSize: Math.min(probeBatch(config, count), count) };
    const own = await trainSets(
      sets,
      group.map((part) => rates[part]!),
      settings,
      {
        ...fit,
        onEpoch: (epoch) => onProgress?.(i * config.epochs + epoch, groups.length * config.epochs),
      },
    );
    for (const [at, part] of group.entries()) heads[part] = own[at]!;
  }
  return heads;
}

/** Groups the indices of parts with the same number of rows, at most `most` per group. */
function alike(parts: readonly LabelledFeatures[], most: number): number[][] {
  const groups: number[][] = [];
  for (const [part, { labels }] of parts.entries()) {
    const rows = ([first]: readonly number[]) => parts[first!]!.labels.length;
    const group = groups.find((own) => own.length < most && rows(own) === labels.length);
    if (group) group.push(part);
    else groups.push([part]);
  }
  return groups;
}
