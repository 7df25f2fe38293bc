import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, type StatsBase } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { DataError } from '../error.ts';

/** A path as text, or as bytes where it is no UTF-8. */
export type FilePath = string | Uint8Array;

/** Where the bytes of an encoded image lie: they are a file, or `length` bytes of one, as in a tar. */
export type EncodedSource =
  | { readonly kind: 'file'; readonly file: FilePath }
  | { readonly kind: 'slice'; readonly file: FilePath; readonly offset: number; readonly length: number };

/** A path as the functions of Node take it. */
export function systemPath(path: FilePath): string | Buffer {
  return typeof path === 'string' ? path : Buffer.from(path.buffer, path.byteOffset, path.byteLength);
}

/** Kind of an irregular file, in words; undefined for a regular one. */
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

/**
 * Reads the bytes of an encoded image. Rejects with a DataError for what is no regular file, for a file that ends before its slice does,
 * and with the system's error.
 */
export async function readEncoded(source: EncodedSource): Promise<Buffer> {
  const file = await open(systemPath(source.file), FLAGS).catch(refuse);
  try {
    requireFile(await file.stat(), source);
    return source.kind === 'file' ? await file.readFile() : await readSlice(file, source);
  } finally {
    await file.close();
  }
}

/** The same without letting others work meanwhile, which is faster where there are none. */
export function readEncodedSync(source: EncodedSource): Buffer {
  let file: number;
  try {
    file = openSync(systemPath(source.file), FLAGS);
  } catch (error) {
    return refuse(error);
  }
  try {
    requireFile(fstatSync(file), source);
    return source.kind === 'file' ? readFileSync(file) : readSliceSync(file, source);
  } finally {
    closeSync(file);
  }
}

type Slice = Extract<EncodedSource, { kind: 'slice' }>;

// The memory is the slice's alone: decoders and other threads must not see that of others.
async function readSlice(file: FileHandle, { offset, length }: Slice): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
    if (bytesRead === 0) throw endsEarly(offset, length, offset + at);
    at += bytesRead;
  }
  return bytes;
}

function readSliceSync(file: number, { offset, length }: Slice): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length; ) {
    const read = readSync(file, bytes, at, length - at, offset + at);
    if (read === 0) throw endsEarly(offset, length, offset + at);
    at += read;
  }
  return bytes;
}

function endsEarly(offset: number, length: number, end: number): DataError {
  return new DataError(
    `an image of ${length} bytes from byte ${offset} on must lie within its file, got one of ${end} bytes: it is cut off`,
  );
}

function requireFile(
  stats: Parameters<typeof specialKind>[0] & { readonly size: number },
  source: EncodedSource,
): void {
  const kind = specialKind(stats);
  if (kind !== undefined) throw new DataError(`an image must be a regular file, got a ${kind}`);
  const sliced = source.kind === 'slice';
  if (sliced && !(isPlace(source.offset) && isPlace(source.length)))
    throw new DataError(
      `an image must begin at a byte of its file and have a number of bytes, got ${source.offset} and ${source.length}`,
    );
  if (sliced && source.offset + source.length > stats.size)
    throw endsEarly(source.offset, source.length, stats.size);
  const bytes = sliced ? source.length : stats.size;
  if (bytes > MOST_BYTES)
    throw new DataError(`an image file may have 2 GiB at most, got ${(bytes / 2 ** 30).toFixed(1)} GiB`);
}

const isPlace = (n: number) => Number.isSafeInteger(n) && n >= 0;

function refuse(error: unknown): never {
  if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
  throw new DataError('an image must be a regular file, got a socket or a device', { cause: error });
}
