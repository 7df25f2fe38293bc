import type { FileHandle } from 'node:fs/promises';
import * as yauzl from 'yauzl';
import { FileFormatError } from './file-format-error.ts';
import { readAt } from './read-at.ts';

/** Place of an entry's bytes in the file. */
export interface ZipEntry {
  readonly start: number;
  readonly bytes: number;
  /** True if they are compressed or encrypted. */
  readonly packed: boolean;
}

/** Most bytes of the directory at the end of an archive to read at once. */
const TAIL = 1 << 20;
/** Limit of entries. Checkpoints have one for each tensor, including the optimizer's. */
const MAX_ENTRIES = 100_000;

/**
 * The entries of a ZIP archive by name, in the order of its directory. Each lies inside of the file. Throws
 * FileFormatError.
 */
export async function zipEntries(
  handle: FileHandle,
  size: number,
  path: string,
): Promise<Map<string, ZipEntry>> {
  const reader = new BoundedReader(handle, size, path);
  await reader.prefetch();
  try {
    const zip = await open(reader, size);
    const found: yauzl.Entry[] = await list(zip);
    const entries = new Map<string, ZipEntry>();
    for (const entry of found) {
      const { fileName, compressionMethod, compressedSize } = entry;
      if (entries.has(fileName))
        throw new FileFormatError(path, 'names in the archive must be unique', fileName);
      const start = await dataStart(zip, entry);
      const packed = compressionMethod !== 0 || entry.isEncrypted();
      entries.set(fileName, { start, bytes: compressedSize, packed });
    }
    return entries;
  } catch (error) {
    if (error instanceof FileFormatError) throw error;
    throw new FileFormatError(
      path,
      'the archive must be whole; download or write it again',
      (error as Error).message,
    );
  }
}

/** Reads only inside of the file. Reads the end of the file, which holds the directory, once. */
class BoundedReader extends yauzl.RandomAccessReader {
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #path: string;
  #tail = new Uint8Array();

  constructor(handle: FileHandle, size: number, path: string) {
    super();
    this.#handle = handle;
    this.#size = size;
    this.#path = path;
  }

  async prefetch(): Promise<void> {
    const tail = new Uint8Array(Math.min(TAIL, this.#size));
    await readAt(this.#handle, tail, this.#size - tail.length, this.#path);
    this.#tail = tail;
  }

  override read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    if (!(position >= 0 && position + length <= this.#size)) {
      queueMicrotask(() => callback(new Error(`byte ${position} of ${this.#size} is asked for`)));
      return;
    }
    const inTail = position - (this.#size - this.#tail.length);
    if (inTail >= 0) {
      target.set(this.#tail.subarray(inTail, inTail + length), offset);
      queueMicrotask(() => callback(null));
    } else {
      const window = target.subarray(offset, offset + length);
      readAt(this.#handle, window, position, this.#path).then(() => callback(null), callback);
    }
  }
}

function open(reader: yauzl.RandomAccessReader, size: number): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    const options = { lazyEntries: true, autoClose: false };
    yauzl.fromRandomAccessReader(reader, size, options, (error, zip) =>
      error ? reject(error) : resolve(zip),
    );
  });
}

function list(zip: yauzl.ZipFile): Promise<yauzl.Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: yauzl.Entry[] = [];
    zip.on('error', reject);
    zip.on('end', () => resolve(entries));
    zip.on('entry', (entry) => {
      entries.push(entry);
      if (entries.length > MAX_ENTRIES) reject(new Error(`more than ${MAX_ENTRIES} entries`));
      else zip.readEntry();
    });
    zip.readEntry();
  });
}

function dataStart(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<number> {
  return new Promise((resolve, reject) => {
    zip.readLocalFileHeader(entry, { minimal: true }, (error, header) =>
      error ? reject(error) : resolve(header.fileDataStart),
    );
  });
}
