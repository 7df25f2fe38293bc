import { plural } from '../text/plural.ts';
import { type Content, writeFileAtomic } from './atomic.ts';
import { elementCount } from './dtypes.ts';

/** An array in a .npy file, in C order: prod(shape) elements. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** "\x93NUMPY" and version 1.0. The header's length (2 bytes) and the header, a Python dict, follow. */
const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0);
const ARRAYS = { '<f4': Float32Array, '<i4': Int32Array, '|u1': Uint8Array } as const;

/**
 * Writes an array as a .npy file (version 1.0), atomically. Throws a TypeError for dtypes other than float32, int32
 * and uint8, and a RangeError for a shape that does not match the data's length.
 */
export async function writeNpy(path: string, array: NpyArray): Promise<void> {
  await writeFileAtomic(path, npyContent(array));
}

/** The content of a .npy file, for files that are written together. Throws like `writeNpy`. */
export function npyContent({ shape, data }: NpyArray): Content {
  const descr = Object.entries(ARRAYS).find(([, array]) => data instanceof array)?.[0];
  if (!descr) throw new TypeError(`npy data must be float32, int32 or uint8, got ${data}`);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || elementCount(shape) !== data.length)
    throw new RangeError(`shape must give the data's ${plural(data.length, 'element')}, got [${shape}]`);
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const length = Math.ceil((MAGIC.length + 2 + dict.length + 1) / 64) * 64 - MAGIC.length - 2;
  const header = new TextEncoder().encode(`${dict.padEnd(length - 1)}\n`);
  const prefix = Uint8Array.of(...MAGIC, length & 0xff, length >> 8);
  return [prefix, header, data];
}
