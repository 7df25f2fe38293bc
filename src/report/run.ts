import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { readRows } from '../io/jsonl.ts';
import { readHeader } from '../io/safetensors.ts';
import { truePath } from '../io/true-path.ts';
import { notARun, type RunFolder, runFolder } from '../run/folder.ts';
import type { RecordedKind } from '../run/kind.ts';
import { recordedKind } from '../run/kinds/table.ts';
import { readSittings, type Sitting } from '../run/sittings.ts';
import type { MetricsRow } from '../visualize/series.ts';

/** A run, read from its folder. Settings are not checked, so runs of other versions can be reported too. */
export interface ReportedRun {
  /** The folder, as it was named. */
  readonly path: string;
  readonly absolute: string;
  /** Name on the page. */
  readonly name: string;
  readonly kind: RecordedKind;
  /** Values by path: `training.epochs`. */
  readonly settings: ReadonlyMap<string, unknown>;
  /** In ascending order of steps. */
  readonly rows: readonly MetricsRow[];
  /** Absolute path of the model that it started from. */
  readonly from?: string;
  /** Engine of the steps, from the newest checkpoint. */
  readonly engine?: string;
  /** The newest picture of reconstructions, and that of predictions. */
  readonly reconstructions?: string;
  readonly predictions?: string;
  /** The last time that somebody worked on it; little is known of runs of earlier versions. */
  readonly sitting: Partial<Sitting>;
}

/** A folder that cannot be reported. */
export interface UnreadableRun {
  readonly path: string;
  readonly reason: string;
}

/**
 * Reads the folders of runs; the last part of a path is a run's name, where only one run has it. What cannot be read
 * is returned with the reason.
 */
export async function readRuns(
  paths: readonly string[],
): Promise<{ runs: ReportedRun[]; unreadable: UnreadableRun[] }> {
  const unreadable: UnreadableRun[] = [];
  const runs: ReportedRun[] = [];
  const names = paths.map((path) => basename(resolve(path)));
  for (const [i, path] of paths.entries()) {
    const name = names.filter((other) => other === names[i]).length === 1 ? names[i]! : path;
    try {
      runs.push(await readRun(path, name));
    } catch (error) {
      const { message } = error as Error;
      // Most messages begin with the folder, which stands beside them here.
      const start = [`${path}: `, `${path} `].find((each) => message.startsWith(each));
      unreadable.push({ path, reason: message.slice(start?.length ?? 0) });
    }
  }
  return { runs, unreadable };
}

/** Throws the system's error, or one that says what is wrong with a file. */
export async function readRun(path: string, name: string): Promise<ReportedRun> {
  const folder = runFolder(path);
  const config = await readSettings(folder);
  const rows = await readRows<MetricsRow>(folder.metrics).catch(absent);
  const { from } = config;
  const reconstructions = await newestPicture(folder.reconstructions);
  const predictions = await newestPicture(folder.predictions);
  const sitting = await lastSitting(folder);
  const engine = await engineOf(folder);
  return {
    path,
    absolute: truePath(path),
    name,
    kind: recordedKind(config.kind),
    settings: new Map(flat(config)),
    rows: (rows ?? []).filter(({ step }) => Number.isFinite(step)),
    sitting,
    ...(typeof from === 'string' && from !== '' && { from: truePath(from) }),
    ...(engine !== undefined && { engine }),
    ...(reconstructions !== undefined && { reconstructions }),
    ...(predictions !== undefined && { predictions }),
  };
}

/** The last picture of a folder by its name; undefined where there is none. */
async function newestPicture(folder: string): Promise<string | undefined> {
  const names = (await readdir(folder).catch(absent)) ?? [];
  const newest = names
    .filter((file) => file.endsWith('.png'))
    .sort()
    .at(-1);
  return newest === undefined ? undefined : join(folder, newest);
}

async function readSettings({ path, config }: RunFolder): Promise<Record<string, unknown>> {
  const text = await readFile(config, 'utf8').catch(absent);
  if (text === undefined) throw new Error(await notARun(path));
  let settings: unknown;
  try {
    settings = JSON.parse(text);
  } catch (error) {
    throw new Error(`${config} must be JSON, got: ${(error as Error).message}`);
  }
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings))
    throw new Error(`${config} must hold the settings of a run, got ${text.trim().slice(0, 40)}`);
  return settings as Record<string, unknown>;
}

/** The last session, from the folder. Runs of earlier versions have only the date of their metrics. */
async function lastSitting(folder: RunFolder): Promise<Partial<Sitting>> {
  const last = (await readSittings(folder)).at(-1);
  if (last) return last;
  const file = await stat(folder.metrics).catch(absent);
  return file ? { date: file.mtime.toISOString() } : {};
}

/** The engine that the newest checkpoint of a run names, or else its last sitting; undefined where neither can be read. */
export async function engineOf(folder: RunFolder): Promise<string | undefined> {
  return (await checkpointEngine(folder)) ?? (await readSittings(folder)).at(-1)?.engine;
}

async function checkpointEngine({ checkpoints }: RunFolder): Promise<string | undefined> {
  const files = ((await readdir(checkpoints).catch(absent)) ?? []).filter((f) => f.endsWith('.safetensors'));
  for (const file of files.sort().reverse())
    try {
      const { metadata } = await readHeader(join(checkpoints, file));
      const progress = JSON.parse(metadata.progress ?? '') as { engine?: unknown } | null;
      if (typeof progress?.engine === 'string') return progress.engine;
    } catch {
      // broken, or of another kind: try the one before it
    }
  return undefined;
}

/** `[path, value]` of every single setting; lists are single settings. */
function flat(group: object, prefix = ''): [string, unknown][] {
  return Object.entries(group).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flat(value, `${prefix}${key}.`)
      : [[prefix + key, value] as [string, unknown]],
  );
}

/** Undefined for a file that does not exist; other errors stay. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
  return undefined;
}
