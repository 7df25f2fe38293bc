import { DataError } from '../error.ts';

const NAME = 'BEYOND_MASKING_MAX_PIXELS';
const USUAL = 2 ** 27;

/**
 * The most pixels of an image that is decoded: of the environment's BEYOND_MASKING_MAX_PIXELS, else 134,217,728.
 * Throws a DataError for a setting that is no positive whole number.
 */
export function maxPixels(): number {
  const text = process.env[NAME];
  if (text === undefined || text === '') return USUAL;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new DataError(`${NAME} must be a positive whole number, got '${text}'`);
  return value;
}

/**
 * Throws a DataError for an image of too many pixels.
 * @param bytes of a pixel's samples: more than four count as further pixels
 */
export function requirePixels(width: number, height: number, bytes = 4): void {
  const most = maxPixels();
  const weight = Math.max(1, bytes / 4);
  if (width * height * weight <= most) return;
  const size = `${count(width)} × ${count(height)}`;
  const heavy = weight > 1 ? ` of ${bytes} bytes, where 4 count as a pixel` : '';
  throw new DataError(
    `an image may have ${count(most)} pixels at most, got ${size}${heavy}: ${NAME} sets another limit`,
  );
}

const count = (n: number) => n.toLocaleString('en-US');
