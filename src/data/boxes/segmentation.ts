import { mergeRles } from '../../detect/combine-rle.ts';
import { polygonRle } from '../../detect/polygon.ts';
import { type Rle, rleBox, rleOf } from '../../detect/rle.ts';
import { rleFromText } from '../../detect/rle-text.ts';
import type { Size } from '../decode/crop.ts';
import { requirePixels } from '../decode/limits.ts';
import { DataError } from '../error.ts';
import type { BoxAnnotation, Segmentation } from '../sources/annotations.ts';
import { isRecord, shown } from './annotated.ts';

/**
 * The mask of an object in any of COCO's forms: outlines, run lengths as a list or as compressed text; undefined for one that has none.
 * Throws RangeError for another form, and where it states another size. @param size of the image, where it is known
 */
export function checkSegmentation(
  given: unknown,
  size: Size | undefined,
  onShort: () => void = () => {},
): Segmentation | undefined {
  if (given === undefined || given === null || (Array.isArray(given) && given.length === 0)) return undefined;
  if (Array.isArray(given)) return outlines(given, onShort);
  if (!isRecord(given))
    throw new RangeError(
      `segmentation must be outlines or run lengths, got ${shown(given)}: mend or remove it`,
    );
  const { size: own, counts } = given;
  const isSize = Array.isArray(own) && own.length === 2 && own.every((n) => Number.isSafeInteger(n) && n > 0);
  if (!isSize)
    throw new RangeError(
      `the size of run lengths must be [height, width], got ${shown(own)}: mend or remove them`,
    );
  if (typeof counts !== 'string' && !Array.isArray(counts))
    throw new RangeError(
      `the counts of run lengths must be a list or text, got ${shown(counts)}: mend or remove them`,
    );
  if (size) requireSize(own as unknown as Size, size);
  return { size: own as unknown as Size, counts };
}

function outlines(given: readonly unknown[], onShort: () => void): Segmentation | undefined {
  const all = given.every((each) => typeof each === 'number') ? [given] : given;
  const kept: number[][] = [];
  for (const outline of all) {
    if (!Array.isArray(outline) || outline.length % 2 !== 0 || !outline.every((x) => Number.isFinite(x)))
      throw new RangeError(
        `an outline must be [x, y, x, y, …] of finite numbers, got ${shown(outline)}: mend or remove it`,
      );
    if (outline.length < 6) onShort();
    else kept.push(outline);
  }
  return kept.length > 0 ? kept : undefined;
}

function requireSize(own: Size, size: Size): void {
  if (own[0] === size[0] && own[1] === size[1]) return;
  const turned = own[0] === size[1] && own[1] === size[0] ? ': the sides are swapped' : '';
  throw new RangeError(
    `a mask must have its image's size, ${size.join(' × ')} (height × width), got ${own.join(' × ')}${turned}`,
  );
}

/**
 * The mask of an object of an image. Throws a DataError for run lengths of another size or that do not fill it, and for outlines that are too
 * long.
 */
export function objectMask(segmentation: Segmentation, size: Size): Rle {
  try {
    return maskOf(segmentation, size);
  } catch (error) {
    if (error instanceof RangeError) throw new DataError(error.message, { cause: error });
    throw error;
  }
}

function maskOf(segmentation: Segmentation, size: Size): Rle {
  if (isOutlines(segmentation)) return mergeRles(segmentation.map((outline) => polygonRle(outline, size)));
  const { size: own, counts } = segmentation;
  requireSize(own, size);
  return typeof counts === 'string' ? rleFromText(counts, size) : rleOf(counts, size);
}

const isOutlines = (segmentation: Segmentation): segmentation is readonly (readonly number[])[] =>
  Array.isArray(segmentation);

/** The box that just holds a mask or outlines. Throws as `objectMask`. */
export function extentOf(segmentation: Segmentation): BoxAnnotation['box'] {
  if (!isOutlines(segmentation)) {
    requirePixels(segmentation.size[1], segmentation.size[0]);
    return rleBox(maskOf(segmentation, segmentation.size));
  }
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const outline of segmentation)
    for (let i = 0; i < outline.length; i += 2) {
      [left, right] = [Math.min(left, outline[i]!), Math.max(right, outline[i]!)];
      [top, bottom] = [Math.min(top, outline[i + 1]!), Math.max(bottom, outline[i + 1]!)];
    }
  return [left, top, right, bottom];
}
