import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stepFlops } from '../config/cost.ts';
import { ConfigError } from '../config/error.ts';
import { resolveConfig } from '../config/recipes.ts';
import type { ConfigInput } from '../config/schema.ts';
import { pretrain } from '../pretrain.ts';
import { runFolder } from '../run/folder.ts';
import { readMetrics } from '../run/metrics.ts';
import { openPlanner } from './images.ts';
import { parseStudy } from './schema.ts';
import type { StudyOptions } from './study.ts';

/** The share of the time that training gets: kNN, linear probes and evaluations take the rest. */
const TRAINING_SHARE = 0.85;
/** Seconds of training that are measured. */
const MEASURED = 60;

/** Floating-point operations a second of a training run with these settings, which is ended after a minute. */
export type MeasureRate = (settings: ConfigInput, options: FitOptions) => Promise<number>;

export interface FitOptions extends Pick<StudyOptions, 'output' | 'keep' | 'onEvent' | 'signal'> {
  readonly measure?: MeasureRate | undefined;
}

/**
 * The file of a study with its epochs of pre-training, and their warm-ups, all changed by one factor, so that its training takes 85 % of
 * a time on this machine at the rate of a measured minute of its first run. Fine-tuning is as long as the file says.
 * @param input the file's content @param seconds the time
 * Throws ConfigError for a wrong file, and where one epoch of each run takes longer than the time.
 */
export async function fitStudy(input: object, seconds: number, options: FitOptions): Promise<object> {
  const { keep, measure = measureRate } = options;
  const study = parseStudy(input);
  const plan = await openPlanner(study, { keep });
  const flopsOf = (factor: number) =>
    plan(parseStudy(scaled(input, factor))).pieces.reduce((sum, { flops }) => sum + flops, 0);
  const first = plan(study).pieces.find(({ kind }) => kind === 'pretrain');
  if (!first) throw new ConfigError('a study to be fitted to a time must pre-train, got only scratch');
  const rate = await measure(first.settings as ConfigInput, options);
  const wanted = TRAINING_SHARE * seconds * rate;
  const [once, twice] = [flopsOf(1), flopsOf(2)];
  // Operations are linear in the factor but for rounding to whole epochs, which the loop mends.
  let factor = 1 + (wanted - once) / (twice - once);
  while (factor > 0 && flopsOf(factor) > wanted) factor *= 0.97;
  const least = flopsOf(Number.MIN_VALUE);
  if (!(factor > 0) || least > wanted)
    throw new ConfigError(
      `the time must allow one epoch of each run, ${Math.ceil(least / rate / TRAINING_SHARE / 60)} minutes on this machine, got ${Math.floor(seconds / 60)}`,
    );
  return scaled(input, factor);
}

/** A study's file with all epochs and warm-ups of pre-training times a factor, in whole epochs, at least one. */
function scaled(input: object, factor: number): object {
  const given = structuredClone(input) as StudyFile;
  const groups = given.groups ?? [given];
  for (const group of groups) ensureEpochs(group, given);
  for (const { arms = [], pretrain } of new Set([given, ...groups])) {
    stretch(pretrain?.training, factor);
    for (const arm of arms) {
      if (typeof arm === 'string') continue;
      stretch(arm, factor);
      stretch(arm.settings?.training, factor);
    }
  }
  return given;
}

/** Writes the epochs of a group that has those of its recipe. */
function ensureEpochs(group: StudyFile, study: StudyFile): void {
  if (group.pretrain?.training?.epochs ?? study.pretrain?.training?.epochs) return;
  const recipe = group.pretrain?.recipe ?? study.pretrain?.recipe;
  const { epochs, warmupEpochs } = resolveConfig({ ...(recipe !== undefined && { recipe }) }).training;
  group.pretrain = { ...group.pretrain, training: { epochs, warmupEpochs, ...group.pretrain?.training } };
}

function stretch(training: Epochs | undefined, factor: number): void {
  if (training?.epochs === undefined) return;
  const { epochs, warmupEpochs } = training;
  training.epochs = Math.max(1, Math.round(epochs * factor));
  if (warmupEpochs !== undefined) training.warmupEpochs = (warmupEpochs * training.epochs) / epochs;
}

interface Epochs {
  epochs?: number;
  warmupEpochs?: number;
}

/** The parts of a study's file that are read here; it was checked before. */
interface StudyFile {
  groups?: StudyFile[];
  arms?: (string | (Epochs & { settings?: { training?: Epochs } }))[];
  pretrain?: { recipe?: string; training?: Epochs };
}

async function measureRate(
  settings: ConfigInput,
  { output, signal, onEvent = () => {} }: FitOptions,
): Promise<number> {
  const folder = join(output, 'measured');
  await rm(folder, { recursive: true, force: true });
  const time = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const ends = AbortSignal.any([time.signal, ...(signal ? [signal] : [])]);
  await pretrain(settings, {
    output: folder,
    signal: ends,
    onEvent: (event) => {
      if (event.type === 'fetch') onEvent(event);
      if (event.type !== 'step' || timer) return;
      timer = setTimeout(() => time.abort(), 1000 * MEASURED); // from the first step on: compilation does not count
      onEvent({ type: 'note', message: 'measuring a minute of training' });
    },
  }).finally(() => clearTimeout(timer));
  signal?.throwIfAborted();
  const rates = (await readMetrics(runFolder(folder))).flatMap(({ imagesPerSecond: rate }) =>
    rate ? [rate] : [],
  );
  await rm(folder, { recursive: true, force: true });
  const sorted = rates.slice(Math.floor(rates.length / 2)).sort((a, b) => a - b);
  return stepFlops(resolveConfig(settings)) * sorted[Math.floor(sorted.length / 2)]!;
}
