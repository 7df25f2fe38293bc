import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileStamp } from '../../io/file-stamp.ts';
import { decodeSource } from '../decode/decode.ts';
import { specialKind } from '../decode/read-file.ts';
import { DataError } from '../error.ts';
import { homePath } from '../home-path.ts';
import type { Dataset } from './dataset.ts';
import { isSpec, openDataset, pathOf } from './open.ts';
import type { OpenOptions, SourceScheme } from './scheme.ts';

/**
 * The images of names, in their order: image files, and every source that `openDataset` opens. A file is read when it is
 * needed.
 *
 * ```ts
 * const images = await openImages(['cat.jpg', '~/photos', 'cifar10:test']);
 * const cat = await images.image(0); // { width, height, channels, data }
 * ```
 * Rejects with a DataError as `requireImages` and `openDataset` do.
 */
export async function openImages(names: readonly string[], options: OpenOptions = {}): Promise<Dataset> {
  const { sources } = options;
  await requireImages(names, sources);
  const parts: Dataset[] = [];
  let files: string[] = [];
  const endFiles = async () => {
    if (files.length > 0) parts.push(await imageFiles(files));
    files = [];
  };
  for (const name of names) {
    if (!isSpec(name, sources) && (await stat(homePath(name))).isFile()) {
      files.push(homePath(name));
      continue;
    }
    await endFiles();
    const dataset = await openDataset(name, options);
    const folder = pathOf(name, sources);
    parts.push(names.length === 1 ? dataset : { ...dataset, id: (index) => join(folder, dataset.id(index)) });
  }
  await endFiles();
  return parts.length === 1 ? parts[0]! : concatenated(parts);
}

/**
 * Rejects with a DataError that lists names of nothing, and names that are neither files nor folders. Opens nothing.
 */
export async function requireImages(
  names: readonly string[],
  sources?: readonly SourceScheme[],
): Promise<void> {
  const missing: string[] = [];
  for (const name of names) {
    if (isSpec(name, sources)) continue;
    const found = await stat(homePath(name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    });
    const kind = found && specialKind(found);
    if (!found) missing.push(`'${name}'`);
    else if (kind !== undefined && kind !== 'folder')
      throw new DataError(`an image must be a regular file, got the ${kind} '${name}'`);
  }
  if (missing.length > 0) throw new DataError(`no such file or folder: ${missing.join(', ')}`);
}

async function imageFiles(names: readonly string[]): Promise<Dataset> {
  const stamps = await Promise.all(names.map(fileStamp));
  const source = (index: number) => ({ kind: 'file', file: names[index]! }) as const;
  return {
    name: names.join(', '),
    length: names.length,
    contentKey: names.map((name, i) => `${resolve(name)}\0${stamps[i]!.stamp}`).join('\n'),
    id: (index) => names[index]!,
    image: (index, reading) => decodeSource(source(index), reading),
    source,
  };
}

/** The images of some data sets, one after another, without classes. */
function concatenated(parts: readonly Dataset[]): Dataset {
  const places = parts.flatMap((part) =>
    Array.from({ length: part.length }, (_, index) => ({ part, index })),
  );
  return {
    name: parts.map(({ name }) => name).join(', '),
    length: places.length,
    contentKey: parts.map(({ contentKey }) => contentKey).join('\n'),
    id: (i) => places[i]!.part.id(places[i]!.index),
    image: (i, reading) => places[i]!.part.image(places[i]!.index, reading),
    ...(parts.every(({ source }) => source) && {
      source: (i: number) => places[i]!.part.source!(places[i]!.index),
    }),
  };
}
