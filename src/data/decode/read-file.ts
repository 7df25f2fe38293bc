import { closeSync, constants, fstatSync, openSync, readFileSync, type StatsBase } from 'node:fs';
import { open } from 'node:fs/promises';
import { DataError } from '../error.ts';

/** A path as text, or as bytes where it is no UTF-8. */
export type FilePath = string | Uint8Array;

/** A path as the functions of Node take it. */
export function systemPath(path: FilePath): string | Buffer {
  return typeof path === 'string' ? path : Buffer.from(path.buffer, path.byteOffset, path.byteLength);
}

/** What is no regular file, in words; undefined for a regular one. */
export function specialKind(
  stats: Pick<StatsBase<number>, 'isFile' | 'isDirectory' | 'isFIFO' | 'isSocket'>,
) {
  if (stats.isFile()) return undefined;
  if (stats.isDirectory()) return 'folder';
  if (stats.isFIFO()) return 'named pipe';
  return stats.isSocket() ? 'socket' : 'device';
}

// What has taken a regular file's place since it was found must hold nobody up.
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const MOST_BYTES = 2 ** 31 - 1;

/** Reads an image file in full. Rejects with a DataError for what is no regular file, and with the system's error. */
export async function readImageFile(path: FilePath): Promise<Buffer> {
  const file = await open(systemPath(path), FLAGS).catch(refuse);
  try {
    requireFile(await file.stat());
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** The same without letting others work meanwhile, which is faster where there are none. */
export function readImageFileSync(path: FilePath): Buffer {
  let file: number;
  try {
    file = openSync(systemPath(path), FLAGS);
  } catch (error) {
    return refuse(error);
  }
  try {
    requireFile(fstatSync(file));
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function requireFile(stats: Parameters<typeof specialKind>[0] & { readonly size: number }): void {
  const kind = specialKind(stats);
  if (kind !== undefined) throw new DataError(`an image must be a regular file, got a ${kind}`);
  if (stats.size > MOST_BYTES)
    throw new DataError(`an image file may have 2 GiB at most, got ${(stats.size / 2 ** 30).toFixed(1)} GiB`);
}

function refuse(error: unknown): never {
  if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
  throw new DataError('an image must be a regular file, got a socket or a device', { cause: error });
}
