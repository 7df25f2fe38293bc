import { basename } from 'node:path';
import { seriesOf } from '../visualize/series.ts';
import { isCount } from './images.ts';
import { startedFrom, whatOf } from './results.ts';
import type { ReportedRun } from './run.ts';

/** Table of the runs: kind, progress, time. */
export function overviewTable(runs: readonly ReportedRun[]): string[][] {
  const head = [
    'run',
    'what',
    'images',
    'started from',
    'epochs',
    'steps',
    'loss',
    'held-out loss',
    'images/s',
    'time',
    'engine',
  ];
  return [head, ...runs.map((run) => overview(run, runs))];
}

function overview(run: ReportedRun, runs: readonly ReportedRun[]): string[] {
  const { name, settings, rows, engine } = run;
  const epoch = seriesOf(rows, 'epoch').at(-1)?.y ?? 0;
  const parent = runs.find((other) => startedFrom(run, other));
  const speed = median(seriesOf(rows, 'imagesPerSecond').map(({ y }) => y));
  const seconds = seriesOf(rows, 'seconds').at(-1)?.y;
  const epochs = settings.get('training.epochs');
  return [
    name,
    whatOf(run),
    imagesOf(run),
    parent?.name ?? (run.from ? basename(run.from) : 'random weights'),
    `${Number(epoch.toFixed(2))}${typeof epochs === 'number' ? ` of ${epochs}` : ''}`,
    String(rows.at(-1)?.step ?? 0),
    lastOf(run, ['loss']),
    lastOf(run, ['heldOutLoss', 'evaluationLoss']),
    speed === undefined ? '–' : speed.toFixed(speed < 10 ? 1 : 0),
    seconds === undefined ? '–' : time(seconds),
    engine ?? '–',
  ];
}

/** Where the images that it learned from came from, and how many there are. */
function imagesOf({ settings, sitting }: ReportedRun): string {
  const names = [sitting.source, settings.get('data.source'), settings.get('data')];
  const source = names.find((name) => typeof name === 'string' && name !== '');
  const count = isCount(sitting.images) ? sitting.images.toLocaleString('en-US') : undefined;
  return [source, count].filter((part) => part !== undefined).join(': ') || '–';
}

function lastOf({ rows }: ReportedRun, keys: readonly string[]): string {
  return (
    keys.map((key) => seriesOf(rows, key).at(-1)?.y.toFixed(4)).find((value) => value !== undefined) ?? '–'
  );
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** `1:02:03`, hours, minutes and seconds. */
function time(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/**
 * Settings that differ between runs of one kind, but for the model that they started from: a row for each, a column for each
 * run. Undefined where none does.
 */
export function differencesTable(runs: readonly ReportedRun[]): string[][] | undefined {
  const shown = (run: ReportedRun, path: string) => {
    const value = run.settings.get(path);
    if (value === undefined) return '–';
    if (typeof value === 'number') return String(Number(value.toPrecision(6)));
    return typeof value === 'string' ? value || '""' : JSON.stringify(value);
  };
  const paths = new Set(runs.flatMap(({ settings }) => [...settings.keys()]));
  paths.delete('from');
  const differing = [...paths].filter((path) => new Set(runs.map((run) => shown(run, path))).size > 1);
  if (differing.length === 0) return undefined;
  const rows = differing.map((path) => [path, ...runs.map((run) => shown(run, path))]);
  return [['setting', ...runs.map(({ name }) => name)], ...rows];
}
