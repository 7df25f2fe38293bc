import { availableParallelism } from 'node:os';
import { rleArea } from '../../detect/rle.ts';
import { plural } from '../../text/plural.ts';
import { imageSize } from '../decode/image-size.ts';
import { DataError } from '../error.ts';
import { inParallel } from '../load/parallel.ts';
import type { BoxAnnotation } from '../sources/annotations.ts';
import type { Dataset } from '../sources/dataset.ts';
import { objectMask } from './segmentation.ts';

/** Objects of a class. */
export interface ClassCounts {
  readonly name: string;
  objects: number;
  images: number;
  /** By area in pixels: below 32², up to 96², above. */
  small: number;
  medium: number;
  large: number;
}

/** Content of the annotations of a data set. */
export interface BoxScan {
  readonly images: number;
  /** Images without an object that counts. */
  readonly empty: number;
  /** Objects that count, groups of objects, and objects that need not be found. */
  readonly objects: number;
  readonly crowds: number;
  readonly ignored: number;
  /** Number of the objects that count and have a mask. */
  readonly masks: number;
  /** The most objects of an image. */
  readonly most: number;
  readonly classes: readonly ClassCounts[];
  /** Boxes without an inside in their picture, and boxes that reach more than 2 pixels beyond it. */
  readonly flat: number;
  readonly outside: number;
  /** Images whose annotations do not fit, with the reason of each. */
  readonly broken: ReadonlyMap<string, string>;
  /** Faults that must be mended before training, each with its remedy. */
  readonly problems: readonly string[];
}

export interface ScanBoxesOptions {
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

const BEYOND = 2; // pixels: less is rounding
const TOO_OFTEN = 0.2;

/**
 * Reads the annotations of all images of a data set: what they hold, and what is wrong with them. Of images only the sizes are read.
 * Rejects with the signal's reason, and with a DataError for a data set without boxes.
 */
export async function scanBoxes(
  dataset: Dataset,
  { onProgress = () => {}, signal }: ScanBoxesOptions = {},
): Promise<BoxScan> {
  const { boxes, length } = dataset;
  if (!boxes)
    throw new DataError(
      `images must have boxes to be detected, got '${dataset.name}' without any: boxes:FOLDER has them`,
    );
  const classes = boxes.classes.map((name) => ({
    name,
    objects: 0,
    images: 0,
    small: 0,
    medium: 0,
    large: 0,
  }));
  const broken = new Map<string, string>();
  const counts = { empty: 0, objects: 0, crowds: 0, ignored: 0, masks: 0, most: 0, flat: 0, outside: 0 };
  let [done, largest] = [0, 0];
  const take = (object: BoxAnnotation, size: readonly [number, number], seen: Set<number>): void => {
    if (object.crowd) counts.crowds++;
    else if (object.ignore) counts.ignored++;
    if (object.segmentation) {
      object = { area: rleArea(objectMask(object.segmentation, size)), ...object };
    }
    if (object.crowd || object.ignore) return;
    const [x1, y1, x2, y2] = object.box;
    const [width, height] = [
      Math.min(x2, size[1]) - Math.max(x1, 0),
      Math.min(y2, size[0]) - Math.max(y1, 0),
    ];
    if (Math.max(-x1, -y1, x2 - size[1], y2 - size[0]) > BEYOND) counts.outside++;
    largest = Math.max(largest, x2, y2);
    if (!(width > 0 && height > 0)) return void counts.flat++;
    const of = classes[object.class]!;
    const area = object.area ?? (x2 - x1) * (y2 - y1);
    of[area < 32 ** 2 ? 'small' : area <= 96 ** 2 ? 'medium' : 'large']++;
    of.objects++;
    if (!seen.has(object.class)) of.images++;
    seen.add(object.class);
    counts.objects++;
    if (object.segmentation) counts.masks++;
  };
  await inParallel(
    length,
    2 * availableParallelism(),
    signal ?? new AbortController().signal,
    async (index) => {
      try {
        const source = dataset.source?.(index);
        const image = source ? undefined : await dataset.image(index);
        const size = source ? await imageSize(source) : ([image!.height, image!.width] as const);
        const seen = new Set<number>();
        const before = counts.objects;
        for (const object of boxes.of(index, size)) take(object, size, seen);
        const own = counts.objects - before;
        counts.most = Math.max(counts.most, own);
        if (own === 0) counts.empty++;
      } catch (error) {
        broken.set(dataset.id(index), (error as Error).message);
      }
      onProgress(++done, length);
    },
  );
  const scan = { images: length, ...counts, classes, broken };
  return { ...scan, problems: [...brokenOnes(broken), ...adviceOn(scan, largest)] };
}

/**
 * Scans the boxes of a data set before it is trained on. Rejects with a DataError for what must be mended first: its message names rule,
 * finding and remedy.
 */
export async function requireBoxes(dataset: Dataset, options: ScanBoxesOptions = {}): Promise<BoxScan> {
  const scan = await scanBoxes(dataset, options);
  if (scan.problems.length > 0) throw new DataError(scan.problems.join('; '));
  return scan;
}

function adviceOn({ objects, flat, outside, broken }: Omit<BoxScan, 'problems'>, largest: number): string[] {
  if (objects + flat === 0)
    return broken.size > 0
      ? []
      : ['annotations must hold an object to learn from, got none: look at their image_id'];
  if (largest <= 1)
    return [
      "boxes must be in pixels, got none beyond 1: they are shares of the picture's sides; multiply them by its width and height",
    ];
  if (outside > TOO_OFTEN * (objects + flat))
    return [
      `boxes must lie in their pictures, got ${plural(outside, 'box', 'boxes')} of ${objects + flat} that reach beyond: COCO's are [x, y, width, height] and no two corners, in pixels of the picture as it is`,
    ];
  return [];
}

function brokenOnes(broken: ReadonlyMap<string, string>): string[] {
  const [first] = broken;
  if (!first) return [];
  const others = broken.size > 1 ? ` (and ${plural(broken.size - 1, 'other image')})` : '';
  return [`'${first[0]}'${others}: ${first[1]}`];
}
