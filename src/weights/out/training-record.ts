import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { runFolder } from '../../run/folder.ts';
import { linearProbe } from '../../run/kinds/linprobe.ts';
import { readMetrics } from '../../run/metrics.ts';
import type { Model } from '../model.ts';

/** A measured number of a run's model. */
export interface Measure {
  /** Name in `metrics.jsonl`; `knn.features` is `features` of `knn`. */
  readonly name: string;
  readonly value: number;
  /** Number of updates at the measurement. */
  readonly step: number;
}

/** Metrics that judge the weights; the others describe training. */
const MEASURES = /^(heldOut|evaluation|knn|linear|top1|top5|mIoU|mAcc|aAcc|iou|ema)/;

/** A run's record of its model. */
export interface TrainingRecord {
  /** Settings of the training, if known. */
  readonly settings?: object;
  /** The last measurements up to the step of the checkpoint. */
  readonly measures: readonly Measure[];
}

/**
 * Settings and measurements of a model's training: from its file, and from `config.json` and `metrics.jsonl` of its
 * run. A file outside of its run's folder has no measurements.
 */
export async function trainingRecord({ path, run }: Pick<Model, 'path' | 'run'>): Promise<TrainingRecord> {
  if (!run) return { measures: [] };
  const folder = basename(dirname(path)) === 'checkpoints' ? runFolder(dirname(dirname(path))) : undefined;
  const last = new Map<string, Measure>();
  for (const row of folder ? await readMetrics(folder) : []) {
    if (row.step > run.progress.step) break;
    for (const [name, value] of numbersOf(row))
      if (MEASURES.test(name)) last.set(name, { name, value, step: row.step });
  }
  const settings = isProbe(run) ? folder && (await probeSettings(folder.config)) : run.config;
  return { ...(settings && { settings }), measures: [...last.values()] };
}

/** True for a linear probe, whose checkpoint holds no settings of the encoder's training. */
export function isProbe({ config }: NonNullable<Model['run']>): boolean {
  return config.recipe === linearProbe.name;
}

async function probeSettings(path: string): Promise<object | undefined> {
  try {
    const settings: unknown = JSON.parse(await readFile(path, 'utf8'));
    return (settings as { kind?: string }).kind === linearProbe.name ? (settings as object) : undefined;
  } catch {
    return undefined; // treated as moved out of its run
  }
}

/** All numbers of a nested record; nested names are joined with dots. */
function numbersOf(value: unknown, name = ''): [string, number][] {
  if (typeof value === 'number') return [[name, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => numbersOf(inner, name ? `${name}.${key}` : key));
}
