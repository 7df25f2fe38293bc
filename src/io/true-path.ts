import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * A path under the name that the system has for it: without links, and in its own case where names do not differ by case (macOS,
 * Windows). Equal for all names of one file or folder. Of what does not exist, as far as there is something.
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
