import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { type FileStamp, MISSING } from '../../io/file-stamp.ts';
import { HEAD, imageFormat } from '../decode/formats.ts';
import { type FilePath, specialKind, systemPath } from '../decode/read-file.ts';
import { DataError } from '../error.ts';
import { FORMATS, LeftOut } from './left-out.ts';
import { type FoundFile, walk } from './walk.ts';

/** File name endings, in lower case, of files that count as images without a look at their bytes. */
const ENDINGS = new Set(
  ['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'], //
);

/** Result of scanning a folder. */
export interface Scan {
  /** Image files relative to the folder, with '/' between the parts, sorted by code unit on every platform. */
  readonly paths: readonly string[];
  /** Size and state of each; a link that leads nowhere has 0 bytes. */
  readonly stamps: readonly FileStamp[];
  /** Where those lie whose names are no UTF-8, by their paths. */
  readonly bytes: ReadonlyMap<string, FilePath>;
  /** Folders below the folder, likewise relative. */
  readonly folders: readonly string[];
}

export interface ScanOptions {
  /** Called with the number of images found so far, at most a few times a second, and not in the first one. */
  readonly onFound?: ((images: number) => void) | undefined;
  /** Called with one line about other entries of the folder. */
  readonly onNote?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds all image files under `folder`, at any depth: by the endings of their names, or, where those say nothing, by their first bytes.
 * Each file counts once, whatever links lead to it; names that begin with a dot are passed over.
 * Rejects with a DataError when the folder is missing, no folder, empty, or holds no image, and with the signal's reason.
 */
export async function scanImages(folder: string, options: ScanOptions = {}): Promise<Scan> {
  const { onFound = () => {}, onNote = () => {}, signal } = options;
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new DataError(`the data folder must exist, got '${folder}'`);
    throw error;
  });
  if (!found.isDirectory())
    throw new DataError(
      `the data must be a folder, got the ${specialKind(found) ?? 'file'} '${folder}'${await remedy(folder)}`,
    );
  const images: FoundFile[] = [];
  const folders: string[] = [];
  const leftOut = new LeftOut();
  let nextReport = performance.now() + 1000;
  const onFile = async (file: FoundFile) => {
    if (await isImage(file, leftOut)) images.push(file);
    if (performance.now() < nextReport) return;
    nextReport = performance.now() + 250;
    onFound(images.length);
  };
  await walk(folder, { leftOut, onFile, onFolder: (path) => folders.push(path), signal });
  const others = `${leftOut}`;
  if (images.length === 0)
    throw new DataError(
      `the data folder must hold images (${FORMATS}), got ${others === '' ? 'no files' : others} in '${folder}'`,
    );
  if (others !== '') onNote(`left out of '${folder}': ${others}`);
  images.sort((a, b) => (a.path < b.path ? -1 : 1));
  const odd = images.filter(({ file }) => typeof file !== 'string');
  return {
    paths: images.map(({ path }) => path),
    stamps: images.map(({ stamp }) => stamp),
    bytes: new Map(odd.map(({ path, file }) => [path, file])),
    folders,
  };
}

/** How a single image is used, for the end of a message. */
async function remedy(file: string): Promise<string> {
  const found = await stat(file);
  if (!found.isFile() || !imageFormat(await head(file))) return '';
  return `: predict, embed, reconstruct and preview take single images, and so does openImages(['${file}']) of the library; for other commands name its folder`;
}

async function isImage({ path, file, stamp }: FoundFile, leftOut: LeftOut): Promise<boolean> {
  if (ENDINGS.has(extname(path).toLowerCase())) return true;
  try {
    if (stamp.size > 0 && imageFormat(await head(file))) return true;
    if (stamp.stamp === MISSING) leftOut.unreadable(path, new Error('a link that leads nowhere'));
    else leftOut.file(path);
  } catch (error) {
    leftOut.unreadable(path, error);
  }
  return false;
}

async function head(file: FilePath): Promise<Uint8Array> {
  const handle = await open(systemPath(file));
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(HEAD), 0, HEAD, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
