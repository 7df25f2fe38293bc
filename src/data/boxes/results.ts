import { type CocoBox, type FoundObject, type TrueObject, toCocoBox } from '../../detect/coco-objects.ts';
import { type Rle, rleArea } from '../../detect/rle.ts';
import { rleToText } from '../../detect/rle-text.ts';
import type { Size } from '../decode/crop.ts';
import { DataError } from '../error.ts';
import type { BoxAnnotation, Boxes } from '../sources/annotations.ts';
import { isRecord, shown } from './annotated.ts';
import { checkSegmentation, extentOf, objectMask } from './segmentation.ts';

/** A found object as COCO's JSON of results has it. */
export interface CocoResult {
  readonly image_id: number | string;
  readonly category_id: number | string;
  readonly bbox: CocoBox;
  readonly score: number;
  readonly segmentation?: { readonly size: Size; readonly counts: string };
}

/** Ids of images and classes in files of results: those of the annotations, else 1, 2, 3, … */
export function cocoIds({ classIds, imageId }: Pick<Boxes, 'classIds' | 'imageId'>) {
  return {
    image: (index: number) => imageId?.(index) ?? index + 1,
    class: (k: number) => classIds?.[k] ?? k + 1,
  };
}

/** Found objects of image `index` for a file of results, which is a list of those of all images. Masks are written as compressed text. */
export function cocoResults(
  index: number,
  found: readonly {
    readonly box: readonly [x1: number, y1: number, x2: number, y2: number];
    readonly class: number;
    readonly score: number;
    readonly mask?: Rle | undefined;
  }[],
  boxes: Pick<Boxes, 'classIds' | 'imageId'> = {},
): CocoResult[] {
  const ids = cocoIds(boxes);
  return found.map(({ box, class: of, score, mask }) => ({
    image_id: ids.image(index),
    category_id: ids.class(of),
    bbox: toCocoBox(box),
    score,
    ...(mask && { segmentation: { size: mask.size, counts: rleToText(mask) } }),
  }));
}

/**
 * The found objects of a COCO JSON of results, by the indices of their images. @param length number of images
 * Throws a DataError for another content, and for ids that the annotations do not have.
 */
export function parseCocoResults(
  text: string,
  file: string,
  boxes: Boxes,
  length: number,
): ReadonlyMap<number, readonly FoundObject[]> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DataError(`'${file}' must be COCO's JSON of results: ${(error as Error).message}`);
  }
  if (!Array.isArray(json))
    throw new DataError(
      `'${file}' must be COCO's JSON of results, a list of found objects, got ${shown(json)}`,
    );
  const ids = cocoIds(boxes);
  const images = new Map(Array.from({ length }, (_, i) => [ids.image(i), i]));
  const classes = new Map(boxes.classes.map((_, k) => [ids.class(k), k]));
  const found = new Map<number, FoundObject[]>();
  for (const [i, result] of json.entries()) {
    try {
      const { image_id, category_id } = isRecord(result) ? result : {};
      const image = images.get(image_id as number);
      const of = classes.get(category_id as number);
      if (image === undefined)
        throw new RangeError(
          `image_id must be the id of an annotated image, got ${shown(image_id)}: take the annotations of these results`,
        );
      if (of === undefined)
        throw new RangeError(
          `category_id must be the id of a category, got ${shown(category_id)}: take the annotations of these results`,
        );
      const own = found.get(image) ?? found.set(image, []).get(image)!;
      own.push(foundObject(result as Record<string, unknown>, of));
    } catch (error) {
      if (!(error instanceof RangeError) && !(error instanceof DataError)) throw error;
      throw new DataError(`'${file}': result ${i + 1}: ${error.message}`);
    }
  }
  return found;
}

function foundObject({ bbox, score, segmentation: given }: Record<string, unknown>, of: number): FoundObject {
  if (typeof score !== 'number' || !Number.isFinite(score))
    throw new RangeError(`the score must be a finite number, got ${shown(score)}`);
  const segmentation = checkSegmentation(given, undefined);
  if (Array.isArray(segmentation))
    throw new RangeError('the mask of a result must be run lengths with their size, got outlines');
  const size = (segmentation as { size: Size } | undefined)?.size;
  const isNumber = (x: unknown) => typeof x === 'number' && Number.isFinite(x);
  const given4 =
    Array.isArray(bbox) && bbox.length === 4 && bbox.every(isNumber) && bbox[2] >= 0 && bbox[3] >= 0;
  if (bbox !== undefined && !given4)
    throw new RangeError(`bbox must be [x, y, width, height] of finite numbers, got ${shown(bbox)}`);
  if (bbox === undefined && !segmentation)
    throw new RangeError('a result must have a bbox or a segmentation, got neither');
  return {
    class: of,
    score,
    box: given4 ? (bbox as unknown as CocoBox) : toCocoBox(extentOf(segmentation!)),
    ...(segmentation && size && { mask: objectMask(segmentation, size) }),
  };
}

/** The outline of a box. */
const cornersOf = ([x1, y1, x2, y2]: BoxAnnotation['box']) => [x1, y1, x1, y2, x2, y2, x2, y1];

/**
 * The objects of an image as the evaluation takes them. @param masks true if masks are compared: an object that has none, as a crowd's, gets
 * that of its box. Throws a DataError for damaged masks.
 */
export function trueObjects(objects: readonly BoxAnnotation[], size: Size, masks: boolean): TrueObject[] {
  return objects.map(({ box, class: of, crowd, ignore, area, segmentation }) => {
    const wanted = masks || (segmentation && area === undefined);
    const mask = wanted ? objectMask(segmentation ?? [cornersOf(box)], size) : undefined;
    return {
      ...{ class: of, box: toCocoBox(box), crowd, ignore, mask },
      area: area ?? (segmentation ? rleArea(mask!) : (box[2] - box[0]) * (box[3] - box[1])),
    };
  });
}
