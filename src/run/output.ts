import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, extname, resolve, sep } from 'node:path';
import { RunError } from './error.ts';

/** Endings of the names of pictures. */
export const PICTURE = ['.png'] as const;

/**
 * Checks the name of a file that will be written whole, so that no work is lost at its end.
 * @param endings of names that are taken
 * Throws RunError for a name that cannot be that of such a file, or the system's error for a folder that cannot be written.
 */
export async function requireOutputFile(path: string, endings: readonly string[]): Promise<void> {
  await requireFileName(path);
  if (!endings.includes(extname(path).toLowerCase()))
    throw new RunError(
      `the output must be a ${endings.join(' or ')} file, got ${path}: name one with that ending`,
    );
  await requireFolder(dirname(path));
}

/** The same for a file of any ending that lines are appended to. */
export async function requireAppendedFile(path: string): Promise<void> {
  await requireFileName(path);
  if (await found(path)) await access(path, constants.W_OK);
  else await requireFolder(dirname(path));
}

/** The same for a folder, which is made with those above it where it is missing. */
export async function requireOutputFolder(path: string): Promise<void> {
  if (path.trim() === '')
    throw new RunError('the output must be a folder, got an empty name: name a folder with --output');
  let above = resolve(path);
  while (!(await found(above)) && dirname(above) !== above) above = dirname(above);
  if (!(await found(above))?.isDirectory())
    throw new RunError(
      `the output must be a folder, got ${path}, and ${above} is a file: choose another name`,
    );
  await access(above, constants.W_OK);
}

async function requireFileName(path: string): Promise<void> {
  if (path.trim() === '')
    throw new RunError('the output must be a file, got an empty name: name a file with --output');
  if (path.endsWith('/') || path.endsWith(sep) || (await found(path))?.isDirectory())
    throw new RunError(`the output must be a file, got the folder ${path}: name a file in it`);
}

async function requireFolder(path: string): Promise<void> {
  if (!(await found(path))?.isDirectory())
    throw new RunError(`the output's folder must exist, got ${path}: make it, or choose another one`);
  await access(path, constants.W_OK);
}

const found = (path: string) => stat(path).catch(() => undefined);
