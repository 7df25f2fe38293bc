import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import { appendRow } from '../io/jsonl.ts';
import { aboutPath } from '../io/system-error.ts';
import { RunError } from './error.ts';
import type { RunStore } from './store.ts';

/** A run's files in a folder, which exists. */
export function folderStore(path: string): RunStore {
  const place = (name: string) => (name === '' ? path : join(path, name));
  return {
    place,
    list: (folder) => entriesOf(place(folder)),
    async read(name) {
      const found = await stat(place(name)).catch(absent);
      return found && (found.isFile() || found.isDirectory()) // reading a device may not end
        ? readFile(place(name)).catch(absent)
        : undefined;
    },
    async write(name, parts) {
      const folder = dirname(place(name));
      // The folder of the run is not made again: a disk that went away is an error.
      if (dirname(name) !== '.') await aboutPath(folder, mkdir(folder).catch(present));
      await writeFileAtomic(place(name), parts);
    },
    append: (name, row) => appendRow(place(name), row),
    remove: (name) => rm(place(name), { force: true }),
  };
}

/** Names in a folder; none where there is no folder. Throws RunError for a file. */
export async function entriesOf(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') throw new RunError(`a run needs a folder, got the file ${path}`);
    throw error;
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function present(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
