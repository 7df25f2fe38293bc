import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '../../io/make-folder.ts';
import { SetupError } from './error.ts';
import { type FetchOptions, fetchWheels } from './fetch-wheels.ts';
import { type LibrarySet, setFolder } from './library-sets.ts';
import { unpackWheel } from './unpack-wheel.ts';

const DAY = 86_400_000; // milliseconds

export interface SetupOptions extends FetchOptions {
  /** The cache folder: each set has a folder of its own inside. */
  readonly cache: string;
  /** Tries what was unpacked, in the folder given, before it takes its place; an error keeps what was there. */
  readonly check?: (folder: string) => Promise<unknown>;
  readonly platform?: NodeJS.Platform;
  readonly architecture?: string;
}

/** Throws SetupError on a platform for which the set has no wheels. */
export function requirePlatform(
  { folder, platform, architecture, elsewhere }: LibrarySet,
  {
    platform: here = process.platform,
    architecture: machine = process.arch,
  }: Pick<SetupOptions, 'platform' | 'architecture'> = {},
): void {
  if (here !== platform || machine !== architecture)
    throw new SetupError(
      `setup ${basename(folder)} is for ${platform} on ${architecture}, got ${here} on ${machine}: ${elsewhere}`,
    );
}

/**
 * Fetches the wheels of a set, each checked against its hash, and unpacks them. A folder that is there is replaced at the
 * end, so an interrupted setup leaves what was.
 * @returns the folder
 * Rejects with a SetupError where wheels cannot be fetched, and with the signal's reason when aborted.
 */
export async function install(set: LibrarySet, options: SetupOptions): Promise<string> {
  requirePlatform(set, options);
  const folder = setFolder(set, options.cache);
  const unfinished = join(dirname(folder), `.${basename(folder)}-${randomUUID()}`);
  await removeLeft(folder);
  await makeFolder(unfinished);
  try {
    const wheels = join(unfinished, '.wheels');
    await mkdir(wheels);
    for (const path of await fetchWheels(set.wheels, wheels, options)) {
      options.signal?.throwIfAborted();
      await unpackWheel(path, unfinished, set.omit);
      await rm(path);
    }
    await rm(wheels, { recursive: true });
    await options.check?.(unfinished);
    await replaceFolder(unfinished, folder);
    return folder;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

const ATTEMPTS = 10;

/** Moves a finished folder into place, also where others do the same at once. */
async function replaceFolder(finished: string, folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rm(folder, { recursive: true, force: true });
      return await rename(finished, folder);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error; // another one was there first
    }
  }
}

/** Removes what killed setups have left. Younger than a day, it may belong to one that still runs. */
async function removeLeft(folder: string): Promise<void> {
  const parent = dirname(folder);
  const entries = await readdir(parent).catch(() => []);
  for (const entry of entries.filter((name) => name.startsWith(`.${basename(folder)}-`))) {
    const { mtimeMs } = await stat(join(parent, entry)).catch(() => ({ mtimeMs: Date.now() })); // just removed
    if (Date.now() - mtimeMs > DAY) await rm(join(parent, entry), { recursive: true, force: true });
  }
}
