import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { type FileStamp, fileStamp } from '../../io/file-stamp.ts';
import { DataError } from '../error.ts';

/** File name endings that count as images, in lower case. */
export const IMAGE_EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'] as const;

/** What was found under a folder. */
export interface Scan {
  /** Image files relative to the folder, with '/' between the parts, sorted by code unit on every platform. */
  readonly paths: readonly string[];
  /** Size and state of each; a link that leads nowhere has 0 bytes. */
  readonly stamps: readonly FileStamp[];
  /** Folders below the folder, likewise relative. */
  readonly folders: readonly string[];
}

/**
 * Finds all image files under `folder`, at any depth, by their names' endings. Links are followed, a link back to a
 * folder above is not; names that begin with a dot are passed over.
 * Rejects with a DataError when the folder is missing, no folder, empty, or holds no image.
 */
export async function scanImages(folder: string): Promise<Scan> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new DataError(`the data folder must exist, got '${folder}'`);
    throw error;
  });
  if (!found.isDirectory()) throw new DataError(`the data must be a folder, got the file '${folder}'`);
  const { images, others, folders } = await walk(folder, '', []);
  if (images.length === 0) {
    const got = others.length === 0 ? 'no files' : `${others.length} other files, such as '${others[0]}'`;
    throw new DataError(
      `the data folder must hold images (${IMAGE_EXTENSIONS.join(' ')}), got ${got} in '${folder}'`,
    );
  }
  images.sort(([a], [b]) => (a < b ? -1 : 1));
  return { paths: images.map(([path]) => path), stamps: images.map(([, stamp]) => stamp), folders };
}

interface Found {
  readonly images: [path: string, stamp: FileStamp][];
  readonly others: string[];
  readonly folders: string[];
}

/** Collects what lies in root/within; `above` holds the true paths of the folders around it. */
async function walk(
  root: string,
  within: string,
  above: readonly string[],
  found: Found = { images: [], others: [], folders: [] },
): Promise<Found> {
  const folder = join(root, within);
  const here = await realpath(folder);
  if (above.includes(here)) return found;
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const path = within === '' ? entry.name : `${within}/${entry.name}`;
    const target = entry.isSymbolicLink() ? await stat(join(root, path)).catch(() => entry) : entry;
    if (target.isDirectory()) {
      found.folders.push(path);
      await walk(root, path, [...above, here], found);
    } else if (IMAGE_EXTENSIONS.some((extension) => extension === extname(path).toLowerCase())) {
      files.push(path);
    } else {
      found.others.push(path);
    }
  }
  const atOnce = 64;
  for (let i = 0; i < files.length; i += atOnce) {
    const some = files.slice(i, i + atOnce);
    const stamps = await Promise.all(some.map((path) => fileStamp(join(root, path))));
    found.images.push(...some.map((path, k): [string, FileStamp] => [path, stamps[k]!]));
  }
  return found;
}
