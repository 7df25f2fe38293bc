import { oneLine } from '../text/one-line.ts';

/** The data cannot be used: something is missing, broken or not what its name says. The message says what to do. */
export class DataError extends Error {
  override readonly name = 'DataError';

  /** @param message is kept on one line: names of files and classes may hold line breaks */
  constructor(message: string, options?: ErrorOptions) {
    super(oneLine(message), options);
  }
}

/**
 * True if an image could not be read for a reason that lies not in its bytes and may pass: the system's errors (EACCES, EMFILE,
 * EIO, ENOENT, …), those of a library that cannot be loaded, and a want of memory.
 */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (typeof (error as NodeJS.ErrnoException).code === 'string') return true;
  return /out of memory|allocation failed/i.test(error.message) || isPassing(error.cause);
}
