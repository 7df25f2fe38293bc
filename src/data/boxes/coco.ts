import { plural } from '../../text/plural.ts';
import type { Size } from '../decode/crop.ts';
import { DataError } from '../error.ts';
import type { BoxAnnotation } from '../sources/annotations.ts';
import { type AnnotationSet, isRecord, shown } from './annotated.ts';
import { classesOf, imagesById, isId } from './coco-lists.ts';
import { checkSegmentation, extentOf } from './segmentation.ts';

/** Reads COCO's JSON of instances: see https://cocodataset.org/#format-data. Throws a DataError for text that is no such JSON. */
export function parseCoco(text: string, file: string): AnnotationSet {
  const { images, categories, annotations } = parts(text, file);
  const faults: string[] = [];
  const fault = (what: string, rule: string, got: unknown, remedy: string) => {
    faults.push(`${file}: ${what}: ${rule}, got ${shown(got)}: ${remedy}`);
  };
  const byId = imagesById(images, fault);
  const { classes, classIds, classOf } = classesOf(categories, fault);
  const skipped = new Counts();
  for (const [i, annotation] of annotations.entries()) {
    if (!isRecord(annotation)) {
      fault(`annotation ${i + 1}`, 'an annotation must be an object', annotation, 'mend it');
      continue;
    }
    const what = `annotation ${isId(annotation.id) ? shown(annotation.id) : `${i + 1} of the list`}`;
    const image = isId(annotation.image_id) ? byId.get(annotation.image_id) : undefined;
    if (!image) {
      if (isId(annotation.image_id)) skipped.add('annotation', 'of images that are not listed');
      else fault(what, 'image_id must be the id of an image', annotation.image_id, 'mend or remove it');
      continue;
    }
    const number = isId(annotation.category_id) ? classOf.get(annotation.category_id) : undefined;
    if (number === undefined) {
      fault(
        what,
        'category_id must be the id of a category',
        annotation.category_id,
        'list the category in "categories", or remove the annotation',
      );
      continue;
    }
    try {
      image.objects.push(objectOf(annotation, number, image.size, skipped));
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof DataError)) throw error;
      faults.push(`${file}: ${what} of ${shown(image.name)}: ${error.message}`);
    }
  }
  return { classes, classIds, images: [...byId.values()], faults, notes: skipped.lines() };
}

function parts(text: string, file: string) {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DataError(`${file} must be COCO's JSON: ${(error as Error).message}`);
  }
  const { images, categories, annotations } = isRecord(json) ? json : {};
  const wanted = { images, categories, annotations };
  for (const [name, list] of Object.entries(wanted))
    if (!Array.isArray(list))
      throw new DataError(
        `${file} must be COCO's JSON of instances, with the lists "images", "categories" and "annotations", got ${shown(list)} for "${name}"${Array.isArray(json) ? ': a list alone is that of results, name the annotations' : ''}`,
      );
  return wanted as Record<keyof typeof wanted, unknown[]>;
}

/** Throws RangeError for an annotation that breaks a rule. */
function objectOf(
  { bbox, area, iscrowd, ignore, segmentation: given }: Record<string, unknown>,
  number: number,
  size: Size | undefined,
  skipped: Counts,
): BoxAnnotation {
  const segmentation = checkSegmentation(given, size, () =>
    skipped.add('outline', 'of fewer than three points'),
  );
  const box = bbox === undefined || bbox === null ? segmentation && extentOf(segmentation) : corners(bbox);
  if (!box)
    throw new RangeError(
      'an annotation must have a bbox or a segmentation, got neither: add one or remove it',
    );
  if (
    area !== undefined &&
    area !== null &&
    !(typeof area === 'number' && area >= 0 && Number.isFinite(area))
  )
    throw new RangeError(`area must be a number of pixels, got ${shown(area)}: mend it or leave it out`);
  return {
    box,
    class: number,
    ...(flag('iscrowd', iscrowd) && { crowd: true }),
    ...(flag('ignore', ignore) && { ignore: true }),
    ...(typeof area === 'number' && { area }),
    ...(segmentation && { segmentation }),
  };
}

function corners(bbox: unknown): BoxAnnotation['box'] {
  const isNumber = (x: unknown) => typeof x === 'number' && Number.isFinite(x);
  if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every(isNumber))
    throw new RangeError(
      `bbox must be [x, y, width, height] of finite numbers, got ${shown(bbox)}: mend or remove it`,
    );
  const [x, y, width, height] = bbox as [number, number, number, number];
  if (width < 0 || height < 0)
    throw new RangeError(
      `the width and height of a bbox must not be negative, got ${shown(bbox)}: it is [x, y, width, height], and no two corners`,
    );
  return [x, y, x + width, y + height];
}

function flag(name: string, value: unknown): boolean {
  if (value === undefined || value === null || value === 0 || value === false) return false;
  if (value === 1 || value === true) return true;
  throw new RangeError(`${name} must be 0 or 1, got ${shown(value)}: mend it`);
}

/** Counts of things that are left out. */
class Counts {
  readonly #counts = new Map<string, { what: string; n: number }>();

  add(what: string, why: string): void {
    const entry = this.#counts.get(why) ?? { what, n: 0 };
    entry.n++;
    this.#counts.set(why, entry);
  }

  lines(): string[] {
    return [...this.#counts].map(([why, { what, n }]) => `${plural(n, what)} ${why}: left out`);
  }
}
