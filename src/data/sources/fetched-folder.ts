import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { makeFolder } from '../../io/make-folder.ts';
import { plainMessage } from '../../io/system-error.ts';
import { DataError } from '../error.ts';

const DAY = 24 * 3600 * 1000;

/** Creates the cache and removes what fetches that were killed long ago left in it. @param work how their folders' names begin */
export async function makeCache(cache: string, work: string): Promise<void> {
  try {
    await makeFolder(cache);
    for (const name of await readdir(cache)) {
      if (!name.startsWith(work)) continue;
      const { mtimeMs } = await stat(join(cache, name)).catch(() => ({ mtimeMs: Date.now() })); // just removed
      if (Date.now() - mtimeMs > DAY) await rm(join(cache, name), { recursive: true, force: true });
    }
  } catch (cause) {
    const rule = `the cache folder must be writable, got '${cache}' (${plainMessage(cause)})`;
    throw new DataError(`${rule}; set BEYOND_MASKING_CACHE to another folder`, { cause });
  }
}

/** Two processes that clear the place for each other meet more than once, but not for long. */
const PUBLISH_ATTEMPTS = 10;

/** Moves a finished folder into place, unless another process was faster; an incomplete one there gives way. */
export async function publish(
  ready: string,
  home: string,
  old: string,
  isComplete: (home: string) => Promise<boolean>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(ready, home);
    } catch (error) {
      if (await isComplete(home)) return;
      if (attempt === PUBLISH_ATTEMPTS) throw error;
      await setTimeout(50 * attempt); // on Windows, a virus scanner may have a file open
      // Where this fails, the other process has just moved it.
      await rename(home, `${old}-${attempt}`).catch(() => {});
    }
  }
}
