import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * The canonical path of a file or folder: without links, and in the system's case on file systems that ignore case
 * (macOS, Windows). All names of one file or folder give the same path. For a path that does not exist, resolves its
 * existing parents.
 */
export function truePath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync.native(absolute);
  } catch {
    const above = dirname(absolute);
    return above === absolute ? absolute : join(truePath(above), basename(absolute));
  }
}
