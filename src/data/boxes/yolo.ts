import type { BoxAnnotation } from '../sources/annotations.ts';
import { shown } from './annotated.ts';
import { extentOf } from './segmentation.ts';

/** Shares of a side may be this much above 1, by rounding. */
const SLACK = 0.01;

/**
 * The objects of a text of YOLO's: a line `class x y width height` for each, with the centre of its box, or `class x y x y x y …`, its
 * outline; all in shares of the sides of the upright picture. Throws RangeError, which names the line, for another text.
 */
export function parseYolo(text: string, classes: number): BoxAnnotation[] {
  const objects: BoxAnnotation[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '') continue;
    const refuse = (rule: string, got: unknown): never => {
      throw new RangeError(`line ${i + 1}: ${rule}, got ${shown(got)}: mend or remove it`);
    };
    const [number, ...shares] = words.map((word) => (/^[-+.\deE]+$/.test(word) ? Number(word) : Number.NaN));
    if (!Number.isInteger(number) || number! < 0 || number! >= classes)
      refuse(`the class must be a whole number from 0 to ${classes - 1}`, words[0]);
    if (shares.length !== 4 && (shares.length < 6 || shares.length % 2 !== 0))
      refuse(
        'an object must have 5 numbers (class, centre, width, height) or a class and an outline',
        words.length,
      );
    const wrong = shares.findIndex((share) => !(share >= -SLACK && share <= 1 + SLACK));
    if (wrong >= 0)
      refuse("positions and sides must be shares of the picture's sides, from 0 to 1", words[wrong + 1]);
    objects.push(objectOf(number!, shares));
  }
  return objects;
}

function objectOf(number: number, shares: readonly number[]): BoxAnnotation {
  if (shares.length === 4) {
    const [x, y, width, height] = shares as unknown as [number, number, number, number];
    if (width < 0 || height < 0)
      throw new RangeError(`the sides of a box must not be negative, got ${shown(shares)}`);
    return { box: [x - width / 2, y - height / 2, x + width / 2, y + height / 2], class: number };
  }
  return { box: extentOf([shares]), class: number, segmentation: [shares] };
}
