import { sep } from 'node:path';
import { scoreText } from '../evaluate/interval.ts';
import { plural } from '../text/plural.ts';
import { isCount, judgedOn, judgedText } from './images.ts';
import type { ReportedRun } from './run.ts';
import { baselineOf, columnsOf, distinct, preferred, type Score, scoresOf } from './scores.ts';
import { type Summary, summarise } from './statistics.ts';

/** Scores on the images of one data set. */
export interface Results {
  /** The data set. */
  readonly name: string;
  /** Rows are models, columns are judges. */
  readonly table: string[][];
  /** Every score with where it comes from. */
  readonly scores: string[][];
  /** Images of the score that rests on fewest; undefined where it is not known. */
  readonly fewest: number | undefined;
}

/**
 * Tables of scores, one for each data set that judged, the one with most scores first: a row for raw pixels, random weights, runs from
 * scratch, and every pre-training run with the runs that were fine-tuned or probed from it; top-1 in percent, the mean where there are
 * several runs for a cell. Empty when no run has a score.
 */
export function resultsOf(runs: readonly ReportedRun[]): Results[] {
  const parentOf = (run: ReportedRun) => runs.find((other) => startedFrom(run, other));
  const groups = new Map<string, { name: string; runs: ReportedRun[] }>();
  for (const run of runs) {
    const { key, name } = judgedOn(run, parentOf);
    const group = groups.get(key) ?? { name, runs: [] };
    group.runs.push(run);
    groups.set(key, group);
  }
  const results = [...groups.values()].flatMap((group) => resultsOfGroup(group.name, group.runs, runs) ?? []);
  return results.sort((a, b) => b.scores.length - a.scores.length);
}

/** @param judged the runs that are judged on these images @param all the runs that they may have started from */
function resultsOfGroup(
  name: string,
  judged: readonly ReportedRun[],
  all: readonly ReportedRun[],
): Results | undefined {
  const pretrained = all.filter(({ kind }) => kind.role === 'pretrain');
  const others = judged.filter(({ kind }) => kind.role !== 'pretrain');
  const baselines = (['pixels', 'random'] as const).map((key) => ({
    name: key === 'pixels' ? 'raw pixels' : 'random weights',
    steps: '',
    scores: distinct(preferred(judged.flatMap((run) => baselineOf(run, key)))),
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
    const own = judged.includes(run) ? scoresOf(run) : [];
    return {
      name: `${run.name}: ${whatOf(run)}`,
      steps: String(run.rows.at(-1)?.step ?? 0),
      scores: preferred([...own, ...children.flatMap(scoresOf)]),
    };
  });
  const strays = others.filter((run) => run.from !== undefined && !attached.has(run));
  const unattached = strays.map((run) => ({
    name: `${run.name}, from ${run.from}`,
    steps: '',
    scores: scoresOf(run),
  }));
  const shown = [...baselines, scratch, ...rows, ...unattached].filter(({ scores }) => scores.length > 0);
  if (shown.length === 0) return undefined;
  const every = shown.flatMap(({ scores }) => scores);
  const columns = columnsOf(every);
  const counts = every.flatMap(({ isShare, images }) => (isShare && isCount(images) ? [images] : []));
  const measure = every.every(({ isShare }) => isShare) ? 'top-1' : 'score';
  return {
    name,
    table: [
      [measure, 'steps', ...columns],
      ...shown.map(({ name, steps, scores }) => [
        name,
        steps,
        ...columns.map((column) => cell(scores, column)),
      ]),
    ],
    scores: [
      [
        'score',
        measure === 'top-1' ? measure : 'value',
        'judged on',
        'learned from',
        'run',
        'date',
        'version',
        'command',
      ],
      ...every.map(scoreRow),
    ],
    fewest: counts.length > 0 ? Math.min(...counts) : undefined,
  };
}

function cell(scores: readonly Score[], column: string): string {
  const own = scores.filter((score) => score.column === column);
  if (own.length === 0) return '–';
  return own.length === 1 ? textOf(own[0]!) : percentages(summarise(own.map(({ value }) => value)));
}

function textOf({ isShare, value, images }: Score): string {
  return scoreText(value, isShare ? images : undefined);
}

function scoreRow(score: Score): string[] {
  const { run, judge, images, learned } = score;
  const { date, version, command, folds } = run.sitting;
  return [
    judge,
    textOf(score),
    judgedText(images, folds),
    judgedText(learned),
    run.name,
    typeof date === 'string' ? date.slice(0, 16).replace('T', ' ') : '–',
    typeof version === 'string' ? version : '–',
    typeof command === 'string' ? command : '–',
  ];
}

/** The task of pre-training, or the kind of judge. */
export function whatOf({ kind, rows, settings }: ReportedRun): string {
  if (kind.role !== 'pretrain') return kind.name;
  return rows.length === 0 ? 'not trained' : String(settings.get('task.name') ?? 'unknown task');
}

/** True if a run started from a checkpoint of another: from its folder, or from a file below it. */
export function startedFrom({ from }: ReportedRun, run: ReportedRun): boolean {
  return from === run.absolute || (from?.startsWith(run.absolute + sep) ?? false);
}

/** `45.7 %`, or `45.7 ± 0.4 % (3 runs)` with the standard deviation. */
export function percentages({ n, mean, deviation }: Summary): string {
  const percent = (value: number) => (100 * value).toFixed(1);
  if (deviation === undefined) return `${percent(mean)} %`;
  return `${percent(mean)} ± ${percent(deviation)} % (${plural(n, 'run')})`;
}
