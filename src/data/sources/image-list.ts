import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileStamp } from '../../io/file-stamp.ts';
import { decodeImage } from '../decode/decode.ts';
import type { FetchOptions } from './cifar10-fetch.ts';
import type { Dataset } from './dataset.ts';
import { openDataset } from './open.ts';

/**
 * A few images to look at: files in the given order, or the data set that a single name stands for (a folder,
 * classes:FOLDER, packed:FOLDER, cifar10). The options concern CIFAR-10. Rejects with a DataError when a data set cannot be used; a file is read when it is needed.
 */
export async function openImages(names: readonly string[], options: FetchOptions = {}): Promise<Dataset> {
  const [first] = names;
  if (names.length === 1 && first !== undefined && !(await isFile(first))) return openDataset(first, options);
  const stamps = await Promise.all(names.map(fileStamp));
  return {
    name: names.join(', '),
    length: names.length,
    contentKey: names.map((name, i) => `${resolve(name)}\0${stamps[i]!.stamp}`).join('\n'),
    id: (index) => names[index]!,
    image: (index) => decodeImage(names[index]!),
    source: (index) => ({ file: names[index]! }),
  };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
