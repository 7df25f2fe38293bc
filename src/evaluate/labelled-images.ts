import type { OwnNames } from '../config/own.ts';
import { sameImages } from '../data/sources/content.ts';
import { type Dataset, split } from '../data/sources/dataset.ts';
import { openDataset, testSetOf } from '../data/sources/open.ts';
import type { OpenOptions } from '../data/sources/scheme.ts';
import { labelledSource } from '../data/sources/table.ts';
import { RunError } from '../run/error.ts';
import { requireOwn } from '../run/own.ts';
import { plural } from '../text/plural.ts';

/** Labelled images: a training set and a test set. */
export interface LabelledImages {
  readonly train: Dataset;
  /** Its labels are mapped to those of `train`, by the names of the classes. */
  readonly test: Dataset;
  /**
   * All images, for leave-one-out or cross-validation. Present if there are too few to split, the options do not give a split, and the
   * model was not trained on their classes.
   */
  readonly undivided?: Dataset;
  /** The source of the images. */
  readonly source: string;
  /** The source of `test`, if `test` is not a share of `source`. */
  readonly testSource?: string;
}

/** Fewest test images for a useful score: with 100, its 95 % interval is ±10 %. */
export const FEW_SET_ASIDE = 100;

export interface LabelledImagesOptions extends OpenOptions {
  /** The training images: a source with classes. Default: the images of the run that made the model. */
  readonly data?: string | undefined;
  /**
   * The test images. Default for the images of the model's run: its test set, or the images that it held out. Default for other images:
   * the test set of `data`, or a held-out share of it.
   */
  readonly test?: string | undefined;
  /** The held-out share of `data`. Default: the run's, else 0.1. */
  readonly heldOut?: number | undefined;
}

/** The evaluated model: the run that made it, and its classifier. */
export interface JudgedModel {
  readonly run?: {
    readonly config: {
      readonly data: { readonly source: string; readonly heldOut: number; readonly test?: string };
      readonly own?: OwnNames | undefined;
    };
  };
  /** Present if the model was trained on classes. */
  readonly classifier?: unknown;
}

/**
 * Opens labelled images to evaluate a model on. Throws RunError if no source is given, the images have no classes, no test images are
 * left, or a class of `test` is not a class of `data`. Throws DataError for unusable images.
 */
export async function openLabelled(
  model: JudgedModel,
  { data, test, heldOut, ...options }: LabelledImagesOptions,
): Promise<LabelledImages> {
  const run = model.run?.config;
  const source = data ?? run?.data.source ?? '';
  if (source === '')
    throw new RunError(`images with classes are needed, got none: give ${labelledSource} with --data`);
  const own = run?.data.source === source ? run : undefined;
  if (own)
    requireOwn({ sources: own.own?.sources }, { sources: options.sources?.map(({ scheme }) => scheme) });
  const all = withClasses(await openDataset(source, options), source);
  const other = test ?? (own?.data.test || testSetOf(source, options.sources));
  if (other !== undefined) {
    const tested = withClasses(await openDataset(other, options), other, '--test');
    if (await sameImages(tested, all, options))
      throw new RunError(
        `training and test images must differ, got ${source} for both: give other images with --test`,
      );
    return { train: all, test: relabel(tested, all.classes!), source, testSource: other };
  }
  const share = heldOut ?? own?.data.heldOut ?? 0.1;
  if (share === 0) throw new RunError(`test images are needed, got none: ${whyNone(source, heldOut)}`);
  const { train, heldOut: rest } = split(all, share);
  const learned = own !== undefined && model.classifier !== undefined;
  const tooFew = rest.length < FEW_SET_ASIDE && heldOut === undefined && !learned;
  return { train, test: rest, source, ...(tooFew && { undivided: all }) };
}

function whyNone(source: string, heldOut: number | undefined): string {
  return heldOut === 0
    ? 'data.heldOut is 0; give test images with --test, or hold some out with --set data.heldOut=0.1'
    : `the model's run held out none of ${source}; give others with --test, or test on a share of its training images with --held-out 0.1`;
}

function withClasses(dataset: Dataset, source: string, option = '--data'): Dataset {
  if (dataset.labels && dataset.classes) return dataset;
  throw new RunError(
    `images with classes are needed, got ${dataset.name} without: ${remedy(dataset, source, option)}`,
  );
}

/** Suggests a source with classes: the sub-folders, if each image lies in one. */
function remedy({ length, id }: Dataset, source: string, option: string): string {
  const folders = new Set(Array.from({ length }, (_, i) => /^([^/\\]+)[/\\]/.exec(id(i))?.[1] ?? ''));
  const folder = source.replace(/^folder:/, '');
  if (!source.startsWith('packed:') && folders.size > 1 && !folders.has(''))
    return `its ${folders.size} sub-folders look like classes: use ${option} classes:${folder}`;
  return `use ${option} ${labelledSource}; classes:FOLDER is a folder with a sub-folder for each class`;
}

/** Throws RunError for fewer than two classes. @param judge the start of the message: `a probe` */
export function requireClasses(judge: string, classes: readonly string[]): void {
  if (classes.length < 2)
    throw new RunError(
      `${judge} needs two classes or more, got "${classes.join('", "')}" alone: add a sub-folder of images of another class, or name other images with --data`,
    );
}

/** Renumbers the labels of a data set by `classes`. Throws RunError for a class that is not among them. */
export function relabel(dataset: Dataset, classes: readonly string[]): Dataset {
  const own = dataset.classes!;
  const unknown = own.filter((name) => !classes.includes(name));
  if (unknown.length > 0)
    throw new RunError(
      `the classes of ${dataset.name} must be among the ${plural(classes.length, 'training class', 'training classes')}, got ${unknown.slice(0, 3).join(', ')}${unknown.length > 3 ? ', …' : ''}`,
    );
  const place = own.map((name) => classes.indexOf(name));
  return { ...dataset, classes, labels: dataset.labels!.map((label) => place[label]!) };
}
