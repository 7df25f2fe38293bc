import { sameImages } from '../data/sources/content.ts';
import { type Dataset, split } from '../data/sources/dataset.ts';
import { openDataset, testSetOf } from '../data/sources/open.ts';
import type { OpenOptions } from '../data/sources/scheme.ts';
import { RunError } from '../run/error.ts';

export interface JudgedSetsOptions extends OpenOptions {
  readonly source: string;
  /** The test images. Default: the val part of `source`, or a held-out share of it. */
  readonly test?: string | undefined;
  readonly heldOut: number;
}

/** A training set and a test set, with the findings in their annotations. */
export interface JudgedSets<T> {
  readonly train: Dataset;
  readonly test: Dataset;
  readonly found: T;
  /** Of the test images, where they are not a share of the training source, whose name is `testSource`. */
  readonly tested?: T;
  readonly testSource?: string;
}

/**
 * Opens annotated images to train and to evaluate on. Rejects with a RunError where no source is given, or no test images are left.
 * @param missing the error's text where no source is given
 * @param look looks at the annotations of images, which are called `of` in messages
 */
export async function openJudgedSets<T>(
  { source, test: given, heldOut, ...options }: JudgedSetsOptions,
  missing: string,
  look: (dataset: Dataset, of: 'train' | 'test', options: OpenOptions) => Promise<T>,
): Promise<JudgedSets<T>> {
  if (source === '') throw new RunError(missing);
  const all = await openDataset(source, options);
  const found = await look(all, 'train', options);
  const other = given ?? testSetOf(source, options.sources);
  if (other === undefined) {
    if (heldOut === 0)
      throw new RunError(
        'images to evaluate on are needed, got none: data.heldOut is 0; give some with --test, or hold some out with --set data.heldOut=0.1',
      );
    const { train, heldOut: test } = split(all, heldOut);
    return { train, test, found };
  }
  const test = await openDataset(other, options);
  const tested = await look(test, 'test', options);
  if (await sameImages(test, all, options))
    throw new RunError(
      `training and test images must differ, got ${source} for both: give other images with --test`,
    );
  return { train: all, test, found, tested, testSource: other };
}
