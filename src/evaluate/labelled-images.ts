import type { FetchOptions } from '../data/cifar10-fetch.ts';
import { type Dataset, split } from '../data/dataset.ts';
import { openDataset } from '../data/open.ts';
import { RunError } from '../train/error.ts';
import type { RunConfig } from '../train/run-kind.ts';

/** Images with classes: those that are learned from, and others that are judged. */
export interface LabelledImages {
  readonly train: Dataset;
  /** Its labels count as those of `train`, by the names of the classes. */
  readonly test: Dataset;
}

export interface LabelledImagesOptions extends FetchOptions {
  /** What to learn from: `cifar10` or `classes:FOLDER`. Default: the images of the run that made the model. */
  readonly data?: string | undefined;
  /**
   * What to judge on. Default: CIFAR-10's test images; of other images a share, which `data` then lacks: for the images of the
   * model's own run those that it held out.
   */
  readonly test?: string | undefined;
  /** That share. Default: the run's, else 0.1. */
  readonly heldOut?: number | undefined;
}

/**
 * Opens images to judge a model with. Throws RunError when they have no classes, are not named, or the classes of `test`
 * are not among those of `data`; DataError when they cannot be used.
 */
export async function openLabelled(
  { run }: { readonly run?: { readonly config: Pick<RunConfig, 'data' | 'seed'> } },
  { data, test, heldOut, ...options }: LabelledImagesOptions,
): Promise<LabelledImages> {
  const source = data ?? run?.config.data.source ?? '';
  if (source === '')
    throw new RunError(
      'images with classes are needed, got none: name cifar10 or classes:FOLDER with --data',
    );
  const all = withClasses(await openDataset(source, options));
  const other = test ?? (/^cifar10(:train)?$/.test(source) ? 'cifar10:test' : undefined);
  if (other !== undefined) {
    const judged = withClasses(await openDataset(other, options));
    if (judged.contentKey === all.contentKey)
      throw new RunError(`images to learn from and to judge on must differ, got ${source} for both`);
    return { train: all, test: relabel(judged, all.classes!) };
  }
  const own =
    run && run.config.data.source === source && run.config.data.heldOut > 0 ? run.config : undefined;
  const { train, heldOut: rest } = split(all, heldOut ?? own?.data.heldOut ?? 0.1, own?.seed ?? 0);
  return { train, test: rest };
}

function withClasses(dataset: Dataset): Dataset {
  if (dataset.labels && dataset.classes) return dataset;
  throw new RunError(
    `images with classes are needed, got ${dataset.name} without: use cifar10 or classes:FOLDER`,
  );
}

/** The same images, their labels counted as `classes` are. Throws RunError for a class that is not among them. */
export function relabel(dataset: Dataset, classes: readonly string[]): Dataset {
  const own = dataset.classes!;
  const strange = own.filter((name) => !classes.includes(name));
  if (strange.length > 0)
    throw new RunError(
      `the classes of ${dataset.name} must be among the ${classes.length} learned ones, got ${strange.slice(0, 3).join(', ')}${strange.length > 3 ? ', …' : ''}`,
    );
  const place = own.map((name) => classes.indexOf(name));
  return { ...dataset, classes, labels: dataset.labels!.map((label) => place[label]!) };
}
