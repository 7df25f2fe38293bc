import type { Config } from '../config/schema.ts';
import { type Dataset, split, subset } from '../data/sources/dataset.ts';
import { absoluteSource, openDataset, testSetOf } from '../data/sources/open.ts';
import type { OpenOptions, SourceScheme } from '../data/sources/scheme.ts';
import { anySource } from '../data/sources/table.ts';
import { rng } from '../random/rng.ts';
import { RunError } from './error.ts';

/** The images of a run. */
export interface RunData {
  readonly train: Dataset;
  /** Images that are never trained on; absent where none are set aside. */
  readonly heldOut?: Dataset;
}

/** Opens what `data.source` names. Throws RunError when it names nothing, DataError when it cannot be used. */
export async function openData(
  { data, seed }: Pick<Config, 'data' | 'seed'>,
  options: OpenOptions = {},
): Promise<RunData> {
  if (data.source === '')
    throw new RunError(`a run needs images, got none: name ${anySource} with --data (data.source)`);
  const all = await openDataset(data.source, options);
  const test = testSetOf(data.source, options.sources);
  const { train, heldOut } =
    test !== undefined
      ? { train: all, heldOut: await openDataset(test, options) }
      : data.heldOut > 0
        ? split(all, data.heldOut)
        : { train: all, heldOut: undefined };
  const chosen = data.trainImages > 0 ? sample(train, data.trainImages, seed, 'train') : train;
  return { train: chosen, ...(heldOut && { heldOut }) };
}

/**
 * Settings whose sources of images have absolute paths, so that a run finds its images wherever it is resumed or judged from.
 * @param sources further kinds of sources, whose names are no paths
 */
export function withAbsoluteSources<
  T extends { readonly data?: { readonly source?: unknown; readonly test?: unknown } | undefined },
>(settings: T, sources?: readonly SourceScheme[]): T {
  const paths = Object.entries(settings.data ?? {}).flatMap(([key, value]) =>
    (key === 'source' || key === 'test') && typeof value === 'string'
      ? [[key, absoluteSource(value, { sources })]]
      : [],
  );
  return paths.length > 0
    ? { ...settings, data: { ...settings.data, ...Object.fromEntries(paths) } }
    : settings;
}

/** At most `count` images of a data set, the same ones for the same seed and purpose. */
export function sample(dataset: Dataset, count: number, seed: number, purpose: string): Dataset {
  if (count >= dataset.length) return dataset;
  const chosen = rng(seed, 'sample', purpose).permutation(dataset.length).subarray(0, count).sort();
  return subset(dataset, chosen);
}
