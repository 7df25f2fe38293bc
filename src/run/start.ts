import { mergeSettings } from '../config/merge.ts';
import type { OwnNames } from '../config/own.ts';
import { compare, identify, takenByOutline } from '../data/sources/content.ts';
import type { Dataset, DigestOptions } from '../data/sources/dataset.ts';
import type { Engine } from '../engines/engine.ts';
import { FileFormatError } from '../io/file-format-error.ts';
import { truncateAfter } from '../io/jsonl.ts';
import { makeFolder } from '../io/make-folder.ts';
import { checkChanges } from './changes.ts';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import { RunError } from './error.ts';
import {
  createRunFolder,
  holdsRun,
  listCheckpoints,
  prepareRunFolder,
  type RunFolder,
  readConfig,
  requireEmpty,
  writeConfig,
} from './folder.ts';
import type { RunConfig, RunKind } from './kind.ts';
import type { RunLock } from './lock.ts';
import { readMetrics } from './metrics.ts';
import { requireOwn, withOwnNames } from './own.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** The start of a run: its settings and, if it resumes, its newest checkpoint. */
export interface ResumePoint<C extends RunConfig> {
  readonly config: C;
  readonly checkpoint?: Checkpoint<C>;
  /** Notes for the user. */
  readonly notes: readonly string[];
  /**
   * Makes or readies the folder, and keeps the settings of the run there: those above, fitted to its images. To be called when
   * nothing can be refused any more.
   */
  begin(config: C): Promise<void>;
}

/** A request for a run. */
export interface RunRequest<C extends RunConfig> {
  readonly kind: RunKind<C>;
  /** Some of the settings. */
  readonly input: object;
  readonly folder: RunFolder;
  /** True: resumes the run in the folder, if there is one. */
  readonly resume: boolean;
  /** Names of the parts of the user's own that are handed in. */
  readonly own: OwnNames;
  /** The settings of a new run from those given. */
  resolve(): C | Promise<C>;
}

/**
 * The start of a run in a folder: step 0, or with `resume` the newest checkpoint of the run in the folder.
 * Takes the lock before it reads a run, or when a new one begins.
 * Throws RunError when the folder is not empty or in use, or settings changed that must not, ConfigError for wrong
 * settings.
 */
export async function resumePoint<C extends RunConfig>(
  { kind, input, folder, resume, own, resolve }: RunRequest<C>,
  lock: Pick<RunLock, 'take'>,
): Promise<ResumePoint<C>> {
  if (!resume || !(await holdsRun(folder.path))) {
    const config = withOwnNames(await resolve(), own);
    await requireEmpty(folder.path);
    return {
      config,
      notes: [],
      async begin(config) {
        await makeFolder(folder.path);
        await lock.take();
        await createRunFolder(folder, kind, config);
      },
    };
  }
  const dead = await lock.take();
  const before = await readConfig(folder, kind);
  requireOwn(before.own, own);
  const config = withOwnNames(kind.parse(mergeSettings(before, input)), own);
  const notes = checkChanges(kind, before, config).map((change) => `changed setting: ${change}`);
  const checkpoint = await newestCheckpoint(folder, kind, notes);
  notes.push(...(await aboutLastSitting(folder, checkpoint?.progress.step, dead)));
  return {
    config,
    ...(checkpoint && { checkpoint }),
    notes,
    async begin(config) {
      await prepareRunFolder(folder);
      const step = checkpoint?.progress.step ?? -1;
      await truncateAfter(folder.metrics, (row) => Number(row.step) <= step);
      await writeConfig(folder, kind, config);
    },
  };
}

/** How the last session ended, if it did not save. @param saved step of the checkpoint from which the run resumes */
async function aboutLastSitting(
  folder: RunFolder,
  saved: number | undefined,
  dead: ProcessIdentity | undefined,
): Promise<string[]> {
  const reached = (await readMetrics(folder)).at(-1)?.step ?? 0;
  const killed = dead && `process ${dead.pid} was killed, or the machine stopped`;
  const notes: string[] = [];
  if (reached > (saved ?? 0)) {
    const last = saved === undefined ? 'there is no checkpoint' : `the last checkpoint is of step ${saved}`;
    notes.push(
      `the run stopped without saving at step ${reached}${killed ? ` (${killed})` : ''}: ${last}, ` +
        `and steps ${(saved ?? 0) + 1} to ${reached} are computed again`,
    );
  } else if (killed) notes.push(`the run stopped at step ${saved ?? 0}: ${killed}; nothing is lost`);
  if (saved === undefined)
    notes.push(`${folder.path} holds no checkpoint yet: the run starts from the beginning`);
  return notes;
}

/** The newest checkpoint that can be read; a broken one is noted and passed over. */
async function newestCheckpoint<C extends RunConfig>(
  folder: RunFolder,
  kind: RunKind<C>,
  notes: string[],
): Promise<Checkpoint<C> | undefined> {
  for (const path of (await listCheckpoints(folder)).reverse()) {
    try {
      return await readCheckpoint(path, kind);
    } catch (error) {
      if (!(error instanceof FileFormatError)) throw error;
      notes.push(`broken checkpoint passed over: ${error.message}`);
    }
  }
  return undefined;
}

/**
 * The identity of a run's images, kept in its checkpoints. Reads the images, unless they were read before. Throws RunError unless a
 * resumed run finds the images it was trained on, and what `identify` throws.
 * @param onNote called with notes for the user
 */
export async function checkData<C extends RunConfig>(
  { checkpoint }: ResumePoint<C>,
  kind: RunKind<C>,
  images: Dataset,
  { onNote, ...options }: DigestOptions & { readonly onNote: (message: string) => void },
): Promise<string> {
  const key = await identify(images, options);
  if (!checkpoint) return key;
  const { data } = checkpoint.progress;
  const comparison = compare(data, key, images);
  if (comparison === 'other')
    throw new RunError(
      `a run must resume with the same images, got ${key} instead of ${data} (number and content): ` +
        `restore the images, or start another run in a new folder, from these weights with ${kind.startOption}`,
    );
  if (comparison === 'outline') onNote(`the run ${takenByOutline}`);
  return key;
}

/** Notes for the user about the engine with which a run resumes. */
export function aboutEngine<C extends RunConfig>({ checkpoint }: ResumePoint<C>, engine: Engine): string[] {
  const was = checkpoint?.progress.engine ?? engine.description;
  return [
    ...(engine.notice === undefined ? [] : [engine.notice]),
    ...(was === engine.description
      ? []
      : [
          `the engine was ${was} and is ${engine.description}: the last digits may differ from an uninterrupted run`,
        ]),
  ];
}
