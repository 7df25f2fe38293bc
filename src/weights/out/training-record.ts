import { basename, dirname } from 'node:path';
import { readMetrics } from '../../train/pictures.ts';
import { runFolder } from '../../train/run-folder.ts';
import type { Model } from '../model.ts';

/** A number that a run measured of its model. */
export interface Measure {
  /** As in `metrics.jsonl`; `knn.features` is `features` of `knn`. */
  readonly name: string;
  readonly value: number;
  /** Updates made when it was measured. */
  readonly step: number;
}

/** What the weights are judged by; all else in a run's metrics tells of training. */
const MEASURES = /^(heldOut|evaluation|knn|linear|top1|top5|ema)/;

/**
 * The last measurements of a run up to the step of a checkpoint, by name, from the `metrics.jsonl` beside its folder of
 * checkpoints. None where the file is no checkpoint of a run or has been moved away from the rest.
 */
export async function measuresOf({ path, run }: Pick<Model, 'path' | 'run'>): Promise<Measure[]> {
  if (!run || basename(dirname(path)) !== 'checkpoints') return [];
  const rows = await readMetrics(runFolder(dirname(dirname(path))));
  const last = new Map<string, Measure>();
  for (const row of rows) {
    if (row.step > run.progress.step) break;
    for (const [name, value] of numbersOf(row))
      if (MEASURES.test(name)) last.set(name, { name, value, step: row.step });
  }
  return [...last.values()];
}

/** All numbers of a nested record, by their names joined with dots. */
function numbersOf(value: unknown, name = ''): [string, number][] {
  if (typeof value === 'number') return [[name, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => numbersOf(inner, name ? `${name}.${key}` : key));
}
