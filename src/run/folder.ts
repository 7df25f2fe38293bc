import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTemporaries, writeFileAtomic } from '../io/atomic.ts';
import { makeFolder } from '../io/make-folder.ts';
import { RunError } from './error.ts';
import { entriesOf, folderStore } from './folder-store.ts';
import type { RunConfig, RunKind } from './kind.ts';
import { requireOutputFolder } from './output.ts';
import { bestCheckpoint, checkpointNames } from './run-files.ts';

/** The files of a run. */
export interface RunFolder {
  readonly path: string;
  readonly config: string;
  /** One JSON object a line for each step. */
  readonly metrics: string;
  /** One JSON object a line for each time that somebody worked on the run, see `Sitting`. */
  readonly sittings: string;
  readonly curves: string;
  readonly checkpoints: string;
  readonly reconstructions: string;
  /** Pictures of segmentation. */
  readonly predictions: string;
  /** Names the process that trains into the folder, while it does. */
  readonly lock: string;
}

export function runFolder(path: string): RunFolder {
  return {
    path,
    config: join(path, 'config.json'),
    metrics: join(path, 'metrics.jsonl'),
    sittings: join(path, 'sittings.jsonl'),
    curves: join(path, 'curves.svg'),
    checkpoints: join(path, 'checkpoints'),
    reconstructions: join(path, 'reconstructions'),
    predictions: join(path, 'predictions'),
    lock: join(path, '.lock'),
  };
}

/** Throws RunError when something is in the folder of a new run already; hidden files do not count. */
export async function requireEmpty(path: string): Promise<void> {
  await requireOutputFolder(path);
  const entries = (await entriesOf(path)).filter((name) => !name.startsWith('.'));
  if (entries.length === 0) return;
  const some = `${entries.slice(0, 3).join(', ')}${entries.length > 3 ? ', …' : ''}`;
  throw new RunError(
    `a new run needs a new or empty folder, got ${path} with ${some} in it: ` +
      'continue the run that is there with --resume, or choose another folder with --output',
  );
}

/**
 * Throws RunError unless the folder of a judge, which is done again at every call, is new or empty, or holds the very same one.
 * @param judge as a message names it: `probe`
 * @param settings what its `config.json` says
 */
export async function requireSame(
  { path, config }: RunFolder,
  judge: string,
  settings: string,
): Promise<void> {
  await requireOutputFolder(path);
  const found = (await entriesOf(path)).filter((name) => !name.startsWith('.'));
  if (found.length === 0) return;
  if (found.includes('config.json') && (await readFile(config, 'utf8')) === settings) return;
  throw new RunError(
    `a ${judge} needs a new or empty folder, or that of the very same ${judge}, got ${path} with ${found.slice(0, 3).join(', ')} in it: choose another folder with --output`,
  );
}

/**
 * Makes the files of a new run in a folder that exists. Throws RunError when something is there already, or the
 * system's error.
 */
export async function createRunFolder<C extends RunConfig>(
  folder: RunFolder,
  kind: RunKind<C>,
  config: C,
): Promise<void> {
  await requireEmpty(folder.path);
  await writeConfig(folder, kind, config); // first: what has settings can be resumed
  await prepareRunFolder(folder);
}

/** Makes the folder of checkpoints if it is missing, and removes the half-written files of a killed process. */
export async function prepareRunFolder(folder: RunFolder): Promise<void> {
  await makeFolder(folder.checkpoints);
  for (const inner of [folder.path, folder.checkpoints, folder.reconstructions, folder.predictions])
    if ((await entriesOf(inner)).length > 0) await removeTemporaries(inner);
}

/** Writes the settings of a run, and which kind of run it is where it is not pre-training. */
export async function writeConfig<C extends RunConfig>(
  folder: RunFolder,
  { name }: RunKind<C>,
  config: C,
): Promise<void> {
  const said = name === 'pretrain' ? config : { kind: name, ...config };
  await writeFileAtomic(folder.config, `${JSON.stringify(said, null, 2)}\n`);
}

/**
 * The settings of an earlier run of a kind. Throws RunError when the folder holds none, or those of another kind, or the
 * system's error.
 */
export async function readConfig<C>(
  folder: RunFolder,
  kind: { readonly name: string; parse(input: unknown): C },
): Promise<C> {
  let text: string;
  try {
    text = await readFile(folder.config, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new RunError(await notARun(folder.path));
  }
  try {
    const { kind: name = 'pretrain', ...settings } = JSON.parse(text);
    if (name !== kind.name)
      throw new RunError(`${folder.path} must hold a run of ${kind.name}, got one of ${name}`);
    return kind.parse(settings);
  } catch (error) {
    if (error instanceof RunError) throw error;
    throw new RunError(`${folder.config} must hold the settings of a run, got: ${(error as Error).message}`);
  }
}

/** True if a folder holds a run. */
export async function holdsRun(path: string): Promise<boolean> {
  return (await entriesOf(path)).includes('config.json');
}

const NAMED = 3;

/** The message for a path at which there is no run: why, and which runs lie near. */
export async function notARun(path: string): Promise<string> {
  return (await statOf(path))
    ? `${path} is not a run (no config.json)${await runsInside(path)}`
    : absence(path);
}

/** Names runs in a folder that is not a run. Empty where it holds none, or cannot be read. */
async function runsInside(path: string): Promise<string> {
  const runs = await runsIn(path);
  if (runs.length > 0)
    return `; it holds runs: ${runs.slice(0, NAMED).join(', ')}${runs.length > NAMED ? ', …' : ''}`;
  const inStudy = join(path, 'runs');
  return (await runsIn(inStudy)).length > 0 ? `; it is a study: use ${join(inStudy, '*')}` : '';
}

async function runsIn(path: string): Promise<string[]> {
  const names = await readdir(path).catch(() => []);
  const holding = await Promise.all(names.map((name) => holdsRun(join(path, name)).catch(() => false)));
  return names.filter((_, i) => holding[i]).map((name) => join(path, name));
}

function absence(path: string): string {
  return `${path}: no such file or folder`;
}

/** Undefined where nothing is. */
async function statOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Where the weights that scored best in an evaluation lie, once there was one. */
export function bestCheckpointPath(folder: RunFolder): string {
  return join(folder.path, bestCheckpoint);
}

/** Paths of a run's checkpoints, the oldest first. */
export async function listCheckpoints(folder: RunFolder): Promise<string[]> {
  const store = folderStore(folder.path);
  return (await checkpointNames(store)).map(store.place);
}

/**
 * The checkpoint that a path means: the file itself, or the newest one of a run's folder.
 * Throws RunError when there is none.
 */
export async function findCheckpoint(path: string): Promise<string> {
  const kind = await statOf(path);
  if (!kind) throw new RunError(absence(path));
  if (!kind.isDirectory()) return path;
  const newest = (await listCheckpoints(runFolder(path))).at(-1);
  if (!newest)
    throw new RunError(
      `${path} holds no checkpoint${(await runsInside(path)) || ' (a run has them in checkpoints/, a model of another project is model.safetensors or pytorch_model.bin)'}`,
    );
  return newest;
}

/** The same for a model that is to be used: the weights that scored best, where a run's folder has them. */
export async function findWeights(path: string): Promise<string> {
  const best = bestCheckpointPath(runFolder(path));
  return (await stat(best).catch(() => undefined)) ? best : findCheckpoint(path);
}
