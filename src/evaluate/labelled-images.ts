import type { OwnNames } from '../config/own.ts';
import { sameImages } from '../data/sources/content.ts';
import { type Dataset, split } from '../data/sources/dataset.ts';
import { openDataset, testSetOf } from '../data/sources/open.ts';
import type { OpenOptions } from '../data/sources/scheme.ts';
import { labelledSource } from '../data/sources/table.ts';
import { RunError } from '../run/error.ts';
import { requireOwn } from '../run/own.ts';
import { plural } from '../text/plural.ts';

/** Images with classes: those that are learned from, and others that are judged. */
export interface LabelledImages {
  readonly train: Dataset;
  /** Its labels count as those of `train`, by the names of the classes. */
  readonly test: Dataset;
  /**
   * Both together, where the images are too few to be divided, nobody said how to divide them, and the model has not learned their
   * classes: each may be judged by all others.
   */
  readonly undivided?: Dataset;
  /** What they were opened from. */
  readonly source: string;
  /** The same of `test`, where it is not a share of `source`. */
  readonly testSource?: string;
}

/** Fewer images than this, set aside, say too little: a score's 95 % interval is ±10 % wide. */
export const FEW_SET_ASIDE = 100;

export interface LabelledImagesOptions extends OpenOptions {
  /** What to learn from: a source of images with classes. Default: the images of the run that made the model. */
  readonly data?: string | undefined;
  /**
   * What to judge on. Default: for the images of the model's own run its test images, or those that it held out; else the test
   * set of `data`, or a share of `data`, which is then not learned from.
   */
  readonly test?: string | undefined;
  /** That share. Default: the run's, else 0.1. */
  readonly heldOut?: number | undefined;
}

/** What is known of the model that is judged: the run that made it. */
export interface JudgedModel {
  readonly run?: {
    readonly config: {
      readonly data: { readonly source: string; readonly heldOut: number; readonly test?: string };
      readonly own?: OwnNames | undefined;
    };
  };
  /** Given where it has learned classes. */
  readonly classifier?: unknown;
}

/**
 * Opens images to judge a model with. Throws RunError when they have no classes, are not named, none are left to judge on, or the
 * classes of `test` are not among those of `data`; DataError when they cannot be used.
 */
export async function openLabelled(
  model: JudgedModel,
  { data, test, heldOut, ...options }: LabelledImagesOptions,
): Promise<LabelledImages> {
  const run = model.run?.config;
  const source = data ?? run?.data.source ?? '';
  if (source === '')
    throw new RunError(`images with classes are needed, got none: name ${labelledSource} with --data`);
  const own = run?.data.source === source ? run : undefined;
  if (own)
    requireOwn({ sources: own.own?.sources }, { sources: options.sources?.map(({ scheme }) => scheme) });
  const all = withClasses(await openDataset(source, options), source);
  const other = test ?? (own?.data.test || testSetOf(source, options.sources));
  if (other !== undefined) {
    const judged = withClasses(await openDataset(other, options), other, '--test');
    if (await sameImages(judged, all, options))
      throw new RunError(`images to learn from and to judge on must differ, got ${source} for both`);
    return { train: all, test: relabel(judged, all.classes!), source, testSource: other };
  }
  const share = heldOut ?? own?.data.heldOut ?? 0.1;
  if (share === 0) throw new RunError(`images to judge on are needed, got none: ${whyNone(source, heldOut)}`);
  const { train, heldOut: rest } = split(all, share);
  const learned = own !== undefined && model.classifier !== undefined;
  const tooFew = rest.length < FEW_SET_ASIDE && heldOut === undefined && !learned;
  return { train, test: rest, source, ...(tooFew && { undivided: all }) };
}

function whyNone(source: string, heldOut: number | undefined): string {
  return heldOut === 0
    ? 'data.heldOut is 0; name them with --test, or hold some out with --set data.heldOut=0.1'
    : `the model's run held out none of ${source}; name others with --test, or judge on a share that it was trained on with --held-out 0.1`;
}

function withClasses(dataset: Dataset, source: string, option = '--data'): Dataset {
  if (dataset.labels && dataset.classes) return dataset;
  throw new RunError(
    `images with classes are needed, got ${dataset.name} without: ${remedy(dataset, source, option)}`,
  );
}

/** How images get classes: by their sub-folders, where each image of a folder lies in one. */
function remedy({ length, id }: Dataset, source: string, option: string): string {
  const folders = new Set(Array.from({ length }, (_, i) => /^([^/\\]+)[/\\]/.exec(id(i))?.[1] ?? ''));
  const folder = source.replace(/^folder:/, '');
  if (!source.startsWith('packed:') && folders.size > 1 && !folders.has(''))
    return `its ${folders.size} sub-folders look like classes: use ${option} classes:${folder}`;
  return `use ${option} ${labelledSource}; classes:FOLDER is a folder with a sub-folder for each class`;
}

/** The same images, their labels counted as `classes` are. Throws RunError for a class that is not among them. */
export function relabel(dataset: Dataset, classes: readonly string[]): Dataset {
  const own = dataset.classes!;
  const strange = own.filter((name) => !classes.includes(name));
  if (strange.length > 0)
    throw new RunError(
      `the classes of ${dataset.name} must be among the ${plural(classes.length, 'learned one')}, got ${strange.slice(0, 3).join(', ')}${strange.length > 3 ? ', …' : ''}`,
    );
  const place = own.map((name) => classes.indexOf(name));
  return { ...dataset, classes, labels: dataset.labels!.map((label) => place[label]!) };
}
