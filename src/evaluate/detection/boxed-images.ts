import { cocoIds } from '../../data/boxes/results.ts';
import { type BoxScan, requireBoxes } from '../../data/boxes/scan.ts';
import type { Boxes } from '../../data/sources/annotations.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import type { OpenOptions } from '../../data/sources/scheme.ts';
import { RunError } from '../../run/error.ts';
import { plural } from '../../text/plural.ts';
import { type JudgedSetsOptions, openJudgedSets } from '../judged-sets.ts';

/** A class: its name, and its id in files of annotations and results. */
export interface BoxClass {
  readonly name: string;
  readonly id: number | string;
}

/** Images with objects: a training set and a test set. */
export interface BoxedSets {
  readonly train: Dataset;
  readonly test: Dataset;
  readonly classes: readonly BoxClass[];
  /** True if every object has a mask, those to evaluate on too. */
  readonly masked: boolean;
  /** The source of `test`, if it is not a share of the training source. */
  readonly testSource?: string;
}

/**
 * Opens images with objects, and looks at all annotations: notes say what they hold. Rejects with a RunError where images have no objects or no
 * test images are left, and with a DataError for annotations that cannot be trained on: see `requireBoxes`.
 */
export async function openBoxedSets(options: JudgedSetsOptions): Promise<BoxedSets> {
  const sets = await openJudgedSets(
    options,
    'images with objects are needed, got none: give boxes:PATH with --data',
    scanned,
  );
  const { train, test, found, tested, testSource } = sets;
  const classes = classesOf(train.boxes!);
  if (tested) requireSameClasses(train.boxes!, test.boxes!, testSource!);
  const masked = [found, tested ?? found].every(({ objects, masks }) => masks === objects);
  return { train, test, classes, masked, ...(testSource !== undefined && { testSource }) };
}

export function classesOf(boxes: Boxes): BoxClass[] {
  const ids = cocoIds(boxes);
  return boxes.classes.map((name, k) => ({ name, id: ids.class(k) }));
}

async function scanned(
  dataset: Dataset,
  of: 'train' | 'test',
  { onProgress, onNote, signal }: OpenOptions,
): Promise<BoxScan> {
  if (!dataset.boxes)
    throw new RunError(
      `images with objects are needed, got ${dataset.name} without any: give boxes:PATH with --data`,
    );
  const name = of === 'train' ? 'annotations' : 'annotations to evaluate on';
  const scan = await requireBoxes(dataset, {
    signal,
    onProgress: (done, total) => onProgress?.({ phase: 'decode', name, done, total }),
  });
  onNote?.(aboutBoxes(scan, name));
  return scan;
}

/** Classes of a line at most. */
const NAMED = 8;

/** The content of annotations, in a line. */
function aboutBoxes({ images, empty, objects, crowds, masks, classes }: BoxScan, what: string): string {
  const most = [...classes].sort((a, b) => b.objects - a.objects);
  const shown = most.slice(0, NAMED).map((each) => `${each.name} ${each.objects}`);
  const more =
    most.length > NAMED ? ` and ${plural(most.length - NAMED, 'other class', 'other classes')}` : '';
  const rest = [
    masks === objects ? 'all with masks' : masks === 0 ? 'none with a mask' : `${masks} with masks`,
    ...(crowds > 0 ? [plural(crowds, 'crowd')] : []),
    ...(empty > 0 ? [`${plural(empty, 'image')} without an object`] : []),
  ];
  return `${what} of ${plural(images, 'image')}: ${plural(objects, 'object')} (${shown.join(', ')}${more}), ${rest.join(', ')}`;
}

function requireSameClasses(train: Boxes, test: Boxes, source: string): void {
  const [a, b] = [train, test].map(({ classes }) => classes);
  if (JSON.stringify(a) === JSON.stringify(b)) return;
  const at = Math.max(
    0,
    a!.findIndex((name, i) => name !== b![i]),
  );
  throw new RunError(
    `the objects to evaluate on must have the classes of the training objects in the same order, got ${source} with ${b![at] ?? 'none'} in the place of ${a![at] ?? 'none'}: mend its categories`,
  );
}
