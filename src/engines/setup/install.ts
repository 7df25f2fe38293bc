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
  /** The cache folder. Each library set has its folder inside. */
  readonly cache: string;
  /**
   * Tests the unpacked library in the given folder before it replaces an older one. If it throws, the older one
   * stays.
   */
  readonly check?: (folder: string) => Promise<unknown>;
  readonly platform?: NodeJS.Platform;
  readonly architecture?: string;
}

/** Throws SetupError if the set has no wheels for the platform. */
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
 * Downloads the wheels of a set, checks their hashes and unpacks them. An existing folder is replaced only at the
 * end, so an interrupted setup leaves it unchanged.
 * @returns the folder
 * @throws SetupError if wheels cannot be downloaded; the signal's reason when aborted
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

/** Moves the finished folder into place. Other processes may do the same at once. */
async function replaceFolder(finished: string, folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rm(folder, { recursive: true, force: true });
      return await rename(finished, folder);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error; // another process was faster
    }
  }
}

/** Removes leftovers of killed setups. Leaves those younger than a day: their setup may still run. */
async function removeLeft(folder: string): Promise<void> {
  const parent = dirname(folder);
  const entries = await readdir(parent).catch(() => []);
  for (const entry of entries.filter((name) => name.startsWith(`.${basename(folder)}-`))) {
    const { mtimeMs } = await stat(join(parent, entry)).catch(() => ({ mtimeMs: Date.now() })); // removed meanwhile
    if (Date.now() - mtimeMs > DAY) await rm(join(parent, entry), { recursive: true, force: true });
  }
}
