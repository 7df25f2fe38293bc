import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { plural } from '../../text/plural.ts';
import { decodeSource } from '../decode/decode.ts';
import { DataError } from '../error.ts';
import type { Dataset } from './dataset.ts';
import { folderDigest } from './folder-digest.ts';
import { type Scan, type ScanOptions, scanImages } from './scan.ts';

export interface FolderOptions extends ScanOptions {
  /** Where digests are kept, by default `cacheFolder()`. */
  readonly cache?: string | undefined;
}

/**
 * All images under a folder, at any depth, without classes: the default for pre-training.
 * Rejects with a DataError when the folder is missing, empty, or holds no image.
 */
export async function openFolder(folder: string, options: FolderOptions = {}): Promise<Dataset> {
  return files(folder, await scanImages(folder, options), options.cache);
}

/**
 * One sub-folder per class: its name is the class, all images under it are examples. Classes are numbered in the
 * order of their sorted names. Images that lie in the folder itself are left out, which a note says.
 * Rejects with a DataError as `openFolder` does, and when there is no sub-folder or one without any image.
 */
export async function openClassFolders(folder: string, options: FolderOptions = {}): Promise<Dataset> {
  const scan = await scanImages(folder, options);
  const inside = scan.paths.flatMap((path, i) => (path.includes('/') ? [i] : []));
  if (inside.length === 0) {
    const got = `none in '${folder}' (${plural(scan.paths.length, 'image')} in the folder itself)`;
    throw new DataError(`class folders need one sub-folder of images per class, got ${got}`);
  }
  const paths = inside.map((i) => scan.paths[i]!);
  const classOf = (path: string) => path.slice(0, path.indexOf('/'));
  const classes = [...new Set(paths.map(classOf))].sort();
  const empty = scan.folders.find((name) => !name.includes('/') && !classes.includes(name));
  if (empty !== undefined) {
    throw new DataError(`every class folder must hold an image, got none in '${join(folder, empty)}'`);
  }
  const loose = scan.paths.length - inside.length;
  if (loose > 0)
    options.onNote?.(`left out of '${folder}': ${plural(loose, 'image')} in the folder itself, of no class`);
  const number = new Map(classes.map((name, i) => [name, i]));
  return {
    ...files(folder, { ...scan, paths, stamps: inside.map((i) => scan.stamps[i]!) }, options.cache),
    classes,
    labels: Int32Array.from(paths, (path) => number.get(classOf(path))!),
  };
}

function files(folder: string, { paths, stamps, bytes }: Scan, cache?: string): Dataset {
  const outline = createHash('sha256');
  const here = createHash('sha256').update(`${resolve(folder)}\n`);
  for (const [i, path] of paths.entries()) {
    outline.update(`${path}\0${stamps[i]!.size}\n`);
    here.update(`${path}\0${stamps[i]!.stamp}\n`);
  }
  const contentKey = `${paths.length}-${here.digest('hex').slice(0, 32)}`;
  const file = (index: number) => bytes.get(paths[index]!) ?? join(folder, paths[index]!);
  const source = (index: number) => ({ kind: 'file', file: file(index) }) as const;
  return {
    name: folder,
    length: paths.length,
    contentKey,
    content: {
      outline: `${paths.length}-${outline.digest('hex').slice(0, 16)}`,
      digest: (options = {}) => folderDigest({ folder, contentKey, paths, stamps, file }, options, cache),
    },
    id: (index) => paths[index]!,
    image: (index, reading) => decodeSource(source(index), reading),
    source,
  };
}
