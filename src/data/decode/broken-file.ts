import type { Sharp } from 'sharp';
import { DataError, isPassing } from '../error.ts';

/**
 * An error about an image's bytes in words that are the same each time. libvips keeps its own in one place for all threads, so that
 * they get lost or mixed while others decode. Errors of other kinds are handed back.
 */
export function brokenFile(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DataError || error instanceof RangeError) return error;
  if (isPassing(error) || /pixel limit/.test(error.message)) return error; // sharp's own words
  const reason = 'the file is cut off, damaged, or of a kind that cannot be decoded';
  return new DataError(reason, { cause: error });
}

/**
 * Decodes an image to its end, keeping one row: a crop would not show what is wrong below it. A JPEG is decoded at an eighth of its
 * size, which reads all bytes in half the time. Rejects for exactly the files that cannot be decoded as a whole.
 */
export async function decodeToTheEnd(image: Sharp): Promise<void> {
  const { format, autoOrient } = await image.metadata();
  const shrink = format === 'jpeg' ? 8 : 1;
  const [width, height] = [autoOrient.width, autoOrient.height].map((side) => Math.ceil(side / shrink));
  if (shrink > 1) image.resize(width!, height!, { fit: 'fill' });
  await image
    .extract({ left: 0, top: height! - 1, width: width!, height: 1 })
    .raw()
    .toBuffer();
}
