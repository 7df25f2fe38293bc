import type { Config } from '../config/schema.ts';
import { openCifar10 } from '../data/cifar10.ts';
import type { FetchProgress } from '../data/cifar10-fetch.ts';
import { type Dataset, split, subset } from '../data/dataset.ts';
import { openClassFolders, openFolder } from '../data/folder.ts';
import { rng } from '../random/rng.ts';
import { RunError } from './error.ts';

/** The images of a run. */
export interface RunData {
  readonly train: Dataset;
  /** Images that are never trained on; absent where none are set aside. */
  readonly heldOut?: Dataset;
}

export interface OpenDataOptions {
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Opens what `data` names. Throws RunError when no folder is named, DataError when it cannot be used. */
export async function openData(
  { data, seed }: Pick<Config, 'data' | 'seed'>,
  { onProgress, signal }: OpenDataOptions = {},
): Promise<RunData> {
  if (data.source === 'cifar10') {
    const options = {
      ...(data.path && { cache: data.path }),
      ...(onProgress && { onProgress }),
      ...(signal && { signal }),
    };
    return { train: await openCifar10('train', options), heldOut: await openCifar10('test', options) };
  }
  if (data.path === '') throw new RunError('a run needs images, got none: name a folder with --data FOLDER');
  const all = await (data.source === 'folder' ? openFolder : openClassFolders)(data.path);
  return data.heldOut > 0 ? split(all, data.heldOut, seed) : { train: all };
}

/** At most `count` images of a data set, the same ones for the same seed and purpose. */
export function sample(dataset: Dataset, count: number, seed: number, purpose: string): Dataset {
  if (count >= dataset.length) return dataset;
  const chosen = rng(seed, 'sample', purpose).permutation(dataset.length).subarray(0, count).sort();
  return subset(dataset, chosen);
}
