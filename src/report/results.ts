import { sep } from 'node:path';
import type { ReportedRun } from './run.ts';
import { type Summary, summarise } from './statistics.ts';

/** What is judged, in columns: `kNN`, `linear`, `fine-tune 1 %, 100 epochs`. */
interface Score {
  readonly column: string;
  /** In [0, 1]. */
  readonly value: number;
}

const KNN = 'kNN';
const LINEAR = 'linear';

/**
 * The table of what was learned: a row for raw pixels, random weights, runs from scratch, and every pre-training run with
 * what was fine-tuned or probed from it; top-1 in percent, the mean where there are several runs for a cell.
 * Undefined when no run has a score.
 */
export function resultsTable(runs: readonly ReportedRun[]): string[][] | undefined {
  const pretrained = runs.filter(({ kind }) => kind === 'pretrain');
  const others = runs.filter(({ kind }) => kind !== 'pretrain');
  const baselines = (['pixels', 'random'] as const).map((key) => ({
    name: key === 'pixels' ? 'raw pixels' : 'random weights',
    steps: '',
    scores: distinct(runs.flatMap((run) => firstKnn(run, key))),
  }));
  const scratch = {
    name: 'from scratch',
    steps: '',
    scores: others.filter(({ from }) => from === undefined).flatMap(scoresOf),
  };
  const attached = new Set<ReportedRun>();
  const rows = pretrained.map((run) => {
    const children = others.filter((other) => startedFrom(other, run));
    for (const child of children) attached.add(child);
    return {
      name: `${run.name}: ${whatOf(run)}`,
      steps: String(run.rows.at(-1)?.step ?? 0),
      scores: [...scoresOf(run), ...children.flatMap(scoresOf)],
    };
  });
  const strays = others.filter((run) => run.from !== undefined && !attached.has(run));
  const unattached = strays.map((run) => ({
    name: `${run.name}, from ${run.from}`,
    steps: '',
    scores: scoresOf(run),
  }));
  const all = [...baselines, scratch, ...rows, ...unattached].filter(({ scores }) => scores.length > 0);
  const columns = [...new Set(all.flatMap(({ scores }) => scores.map(({ column }) => column)))].sort(
    byColumn,
  );
  if (columns.length === 0) return undefined;
  const cell = (scores: readonly Score[], column: string) => {
    const values = scores.filter((score) => score.column === column).map(({ value }) => value);
    return values.length === 0 ? '–' : percentages(summarise(values));
  };
  return [
    ['top-1', 'steps', ...columns],
    ...all.map(({ name, steps, scores }) => [name, steps, ...columns.map((column) => cell(scores, column))]),
  ];
}

/** The task of pre-training, or the kind of judge. */
export function whatOf({ kind, rows, settings }: ReportedRun): string {
  if (kind !== 'pretrain') return kind;
  return rows.length === 0 ? 'not trained' : String(settings.get('task.name') ?? 'unknown task');
}

/** Whether a run started from a checkpoint of another: its folder, or a file below it. */
export function startedFrom({ from }: ReportedRun, run: ReportedRun): boolean {
  return from === run.absolute || (from?.startsWith(run.absolute + sep) ?? false);
}

/** `45.7 %`, or `45.7 ± 0.4 % (3 runs)` with the standard deviation. */
export function percentages({ n, mean, deviation }: Summary): string {
  const percent = (value: number) => (100 * value).toFixed(1);
  if (deviation === undefined) return `${percent(mean)} %`;
  return `${percent(mean)} ± ${percent(deviation)} % (${n} runs)`;
}

/** The last scores of a run: where it ended, not where it happened to be best on the images it is judged by. */
function scoresOf(run: ReportedRun): Score[] {
  if (run.kind === 'pretrain') {
    const knn = run.rows.findLast(({ step, knn }) => step > 0 && featuresOf(knn, 'features') !== undefined);
    const value = featuresOf(knn?.knn, 'features');
    return value === undefined ? [] : [{ column: KNN, value }];
  }
  const top1 = run.rows.findLast((row) => Number.isFinite(row.top1))?.top1;
  if (typeof top1 !== 'number') return [];
  const column = { linprobe: LINEAR, knn: KNN, finetune: fineTune(run) }[run.kind];
  return [{ column, value: top1 }];
}

/** Runs of other lengths are not averaged. */
function fineTune({ settings }: ReportedRun): string {
  const [share, epochs] = ['data.labels', 'training.epochs'].map((path) => settings.get(path));
  const percent = typeof share === 'number' ? Number((100 * share).toFixed(4)) : 100;
  return `fine-tune ${percent} %${typeof epochs === 'number' ? `, ${epochs} epochs` : ''}`;
}

function firstKnn({ rows }: ReportedRun, key: 'pixels' | 'random'): Score[] {
  const value = featuresOf(rows[0]?.knn, key);
  return value === undefined ? [] : [{ column: KNN, value }];
}

/** Runs on the same images share their baseline. */
function distinct(scores: readonly Score[]): Score[] {
  return [...new Map(scores.map((score) => [score.value, score])).values()];
}

function featuresOf(knn: unknown, key: string): number | undefined {
  const value = (knn as Record<string, unknown> | null | undefined)?.[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** kNN, linear, then fine-tuning from few labels to all. */
function byColumn(a: string, b: string): number {
  const place = (column: string) =>
    column === KNN ? -2 : column === LINEAR ? -1 : Number.parseFloat(column.slice('fine-tune '.length));
  return place(a) - place(b);
}
