import { rng } from '../../random/rng.ts';
import { DataError } from '../error.ts';
import { type Dataset, subset } from './dataset.ts';

/**
 * The part of a data set whose labels are known in an experiment with few labels: `share` (in (0, 1], e.g. 0.01) of
 * the images of every class, rounded, but at least one, chosen at random. The same for the same seed, and nested: what
 * is chosen at 1 % is chosen at 10 % too. Keeps the order of the data set.
 * Throws RangeError for another share, DataError for a data set without labels.
 */
export function labelledShare(dataset: Dataset, share: number, seed: number): Dataset {
  if (!(share > 0 && share <= 1))
    throw new RangeError(`the share of the labels must lie in (0, 1], got ${share}`);
  const { labels, classes, name } = dataset;
  if (!labels || !classes)
    throw new DataError(`a share of the labels needs a data set with classes, got '${name}'`);
  const byClass: number[][] = classes.map(() => []);
  for (const [index, label] of labels.entries()) byClass[label]!.push(index);
  const chosen = byClass.flatMap((indices, label) => {
    const order = rng(seed, 'labelled-share', label).permutation(indices.length);
    const count = Math.max(1, Math.round(share * indices.length));
    return Array.from(order.subarray(0, count), (i) => indices[i]!);
  });
  return subset(
    dataset,
    chosen.sort((a, b) => a - b),
    `${name} (${+(100 * share).toFixed(4)} % of the labels)`,
  );
}
