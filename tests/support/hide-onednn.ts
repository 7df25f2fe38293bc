import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { libraryFiles } from '../../src/engines/onednn/library.ts';

/**
 * From now on, processes find files that are no libraries under the names of the system's oneDNN: in a folder that does not
 * exist yet. `vi.unstubAllEnvs` ends it.
 */
export function hideSystemOneDnn(folder: string): void {
  mkdirSync(folder);
  for (const name of libraryFiles()) writeFileSync(join(folder, name), 'not a library');
  vi.stubEnv('LD_LIBRARY_PATH', folder);
}
