import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { libraryFiles } from '../../src/engines/onednn/library.ts';

/**
 * Hides the system's oneDNN from processes: files that are not libraries take its names, in a folder that must not
 * exist yet. `vi.unstubAllEnvs` undoes it.
 */
export function hideSystemOneDnn(folder: string): void {
  mkdirSync(folder);
  for (const name of libraryFiles()) writeFileSync(join(folder, name), 'not a library');
  vi.stubEnv('LD_LIBRARY_PATH', folder);
}
