import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { decodeImage } from '../decode/decode.ts';
import { DataError } from '../error.ts';
import type { Dataset } from './dataset.ts';
import { folderDigest } from './folder-digest.ts';
import { type Scan, scanImages } from './scan.ts';

/**
 * All images under a folder, at any depth, without classes: the default for pre-training.
 * @param cache where digests are kept, by default `cacheFolder()`
 * Rejects with a DataError when the folder is missing, empty, or holds no image.
 */
export async function openFolder(folder: string, cache?: string): Promise<Dataset> {
  return files(folder, await scanImages(folder), cache);
}

/**
 * One sub-folder per class: its name is the class, all images under it are examples. Classes are numbered in the
 * order of their sorted names. Images that lie in the folder itself are left out.
 * Rejects with a DataError as `openFolder` does, and when there is no sub-folder or one without any image.
 */
export async function openClassFolders(folder: string, cache?: string): Promise<Dataset> {
  const scan = await scanImages(folder);
  const inside = scan.paths.flatMap((path, i) => (path.includes('/') ? [i] : []));
  if (inside.length === 0) {
    const got = `none in '${folder}' (${scan.paths.length} images lie in the folder itself)`;
    throw new DataError(`class folders need one sub-folder of images per class, got ${got}`);
  }
  const paths = inside.map((i) => scan.paths[i]!);
  const classOf = (path: string) => path.slice(0, path.indexOf('/'));
  const classes = [...new Set(paths.map(classOf))].sort();
  const empty = scan.folders.find((name) => !name.includes('/') && !classes.includes(name));
  if (empty !== undefined) {
    throw new DataError(`every class folder must hold an image, got none in '${join(folder, empty)}'`);
  }
  const number = new Map(classes.map((name, i) => [name, i]));
  return {
    ...files(folder, { ...scan, paths, stamps: inside.map((i) => scan.stamps[i]!) }, cache),
    classes,
    labels: Int32Array.from(paths, (path) => number.get(classOf(path))!),
  };
}

function files(folder: string, { paths, stamps }: Scan, cache?: string): Dataset {
  const outline = createHash('sha256');
  const here = createHash('sha256').update(`${resolve(folder)}\n`);
  for (const [i, path] of paths.entries()) {
    outline.update(`${path}\0${stamps[i]!.size}\n`);
    here.update(`${path}\0${stamps[i]!.stamp}\n`);
  }
  const contentKey = `${paths.length}-${here.digest('hex').slice(0, 32)}`;
  const file = (index: number) => join(folder, paths[index]!);
  return {
    name: folder,
    length: paths.length,
    contentKey,
    content: {
      outline: `${paths.length}-${outline.digest('hex').slice(0, 16)}`,
      digest: (options = {}) => folderDigest({ folder, contentKey, paths, stamps }, options, cache),
    },
    id: (index) => paths[index]!,
    image: (index) => decodeImage(file(index)),
    source: (index) => ({ file: file(index) }),
  };
}
