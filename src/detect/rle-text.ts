import { type Rle, rleOf } from './rle.ts';

/**
 * Run lengths as COCO's compressed text: from the fourth on the difference to the run before the last one; 5 bits a character, the lowest
 * first, with a sign; 32 is added where more follow, and 48 to all.
 */
export function rleToText({ counts }: Rle): string {
  let text = '';
  for (let i = 0; i < counts.length; i++) {
    let value = counts[i]! - (i > 2 ? counts[i - 2]! : 0);
    for (let more = true; more; ) {
      const bits = value & 31;
      value = Math.floor(value / 32);
      more = bits & 16 ? value !== -1 : value !== 0;
      text += String.fromCharCode(48 + bits + (more ? 32 : 0));
    }
  }
  return text;
}

/** Characters of the longest number of a mask's pixels, with its sign. */
const LONGEST = 7;

/** The mask of COCO's compressed text. Throws RangeError for text of another form, and runs that do not fill the mask. */
export function rleFromText(text: string, size: Rle['size']): Rle {
  const counts: number[] = [];
  let [value, length] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at) - 48;
    if (character < 0 || character > 63)
      throw new RangeError(
        `a compressed mask must consist of the characters "0" to "o", got ${JSON.stringify(text[at])}`,
      );
    if (++length > LONGEST) throw new RangeError('a run of a compressed mask must have 7 characters at most');
    value += (character & 31) * 32 ** (length - 1);
    if (character & 32) continue;
    if (character & 16) value -= 32 ** length;
    counts.push(value + (counts.length > 2 ? counts[counts.length - 2]! : 0));
    [value, length] = [0, 0];
  }
  if (length > 0) throw new RangeError('a compressed mask must end with a whole run, got a part of one');
  return rleOf(counts, size);
}
