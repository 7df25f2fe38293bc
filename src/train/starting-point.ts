import { mkdir } from 'node:fs/promises';
import { mergeConfig } from '../config/overrides.ts';
import { resolveConfig } from '../config/recipes.ts';
import { type Config, type ConfigInput, parseConfig } from '../config/schema.ts';
import { FileFormatError } from '../io/file-format-error.ts';
import { truncateAfter } from '../io/jsonl.ts';
import { checkChanges } from './changes.ts';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import {
  createRunFolder,
  holdsRun,
  listCheckpoints,
  prepareRunFolder,
  type RunFolder,
  readConfig,
  requireEmpty,
  writeConfig,
} from './run-folder.ts';
import type { RunLock } from './run-lock.ts';

/** From where a run goes: its settings and, when it goes on, its newest checkpoint. */
export interface StartingPoint {
  readonly config: Config;
  readonly checkpoint?: Checkpoint;
  /** What a person should know about it. */
  readonly notes: readonly string[];
  /** Makes or readies the folder: to be called when nothing can be refused any more. */
  begin(): Promise<void>;
}

/**
 * Where a run in `folder` starts: anew, or with `resume` at the newest checkpoint of the run that is there.
 * Takes the lock before it reads a run, or when a new one begins.
 * Throws RunError when the folder is not empty or in use, or settings changed that must not, ConfigError for wrong
 * settings.
 */
export async function startingPoint(
  input: ConfigInput,
  folder: RunFolder,
  resume: boolean,
  lock: RunLock,
): Promise<StartingPoint> {
  if (!resume || !(await holdsRun(folder.path))) {
    const config = resolveConfig(input);
    await requireEmpty(folder.path);
    return {
      config,
      notes: [],
      async begin() {
        await mkdir(folder.path, { recursive: true });
        await lock.take();
        await createRunFolder(folder, config);
      },
    };
  }
  await lock.take();
  const before = await readConfig(folder);
  const config = parseConfig(mergeConfig(before, input));
  const notes = checkChanges(before, config).map((change) => `changed setting: ${change}`);
  const checkpoint = await newestCheckpoint(folder, notes);
  if (!checkpoint) notes.push(`${folder.path} holds no checkpoint yet: the run starts from the beginning`);
  return {
    config,
    ...(checkpoint && { checkpoint }),
    notes,
    async begin() {
      await prepareRunFolder(folder);
      const step = checkpoint?.progress.step ?? -1;
      await truncateAfter(folder.metrics, (row) => Number(row.step) <= step);
      await writeConfig(folder, config);
    },
  };
}

/** The newest checkpoint that can be read; a broken one is noted and passed over. */
async function newestCheckpoint(folder: RunFolder, notes: string[]): Promise<Checkpoint | undefined> {
  for (const path of (await listCheckpoints(folder)).reverse()) {
    try {
      return await readCheckpoint(path);
    } catch (error) {
      if (!(error instanceof FileFormatError)) throw error;
      notes.push(`broken checkpoint passed over: ${error.message}`);
    }
  }
  return undefined;
}
