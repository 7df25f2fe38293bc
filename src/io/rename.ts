import { rename } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

/** Errors on Windows while another program, such as a virus scanner or a viewer, has the file open. */
const BUSY = ['EPERM', 'EACCES', 'EBUSY'];
/** Number of attempts, and milliseconds of the first pause; the pauses grow, to two seconds in total. */
const TRIES = 10;
const PAUSE = 45;

export interface RenameOptions {
  readonly platform?: NodeJS.Platform;
  readonly move?: (from: string, to: string) => Promise<void>;
}

/**
 * Renames a file or folder. On Windows it retries for two seconds if another program has it open. Throws the system's
 * error.
 */
export async function renamePatiently(
  from: string,
  to: string,
  { platform = process.platform, move = rename }: RenameOptions = {},
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await move(from, to);
    } catch (error) {
      const passes = platform === 'win32' && BUSY.includes((error as NodeJS.ErrnoException).code ?? '');
      if (!passes || attempt === TRIES) throw error;
      await setTimeout(PAUSE * attempt);
    }
  }
}
