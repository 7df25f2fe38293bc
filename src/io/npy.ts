import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from './atomic.ts';
import { elementCount } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';

/** An array in a .npy file, in C order: prod(shape) elements. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** "\x93NUMPY" and version 1.0; the header's length (2 bytes) and the header, a Python dict, follow. */
const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0);
const HEADER = /^\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\),? *\} *\n$/;
const ARRAYS = { '<f4': Float32Array, '<i4': Int32Array, '|u1': Uint8Array } as const;

/**
 * Writes an array as a .npy file (version 1.0), atomically. Throws a TypeError or RangeError for other dtypes
 * than float32, int32 and uint8 and for a shape that does not give the data's length.
 */
export async function writeNpy(path: string, { shape, data }: NpyArray): Promise<void> {
  const descr = Object.entries(ARRAYS).find(([, array]) => data instanceof array)?.[0];
  if (!descr) throw new TypeError(`npy data must be float32, int32 or uint8, got ${data}`);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || elementCount(shape) !== data.length)
    throw new RangeError(`shape must give the data's ${data.length} elements, got [${shape}]`);
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const length = Math.ceil((MAGIC.length + 2 + dict.length + 1) / 64) * 64 - MAGIC.length - 2;
  const header = new TextEncoder().encode(`${dict.padEnd(length - 1)}\n`);
  const prefix = Uint8Array.of(...MAGIC, length & 0xff, length >> 8);
  await writeFileAtomic(path, [prefix, header, data]);
}

/**
 * Reads a .npy file of version 1.0 that holds float32, int32 or uint8 in C order. Throws
 * {@link FileFormatError} for any other content.
 */
export async function readNpy(path: string): Promise<NpyArray> {
  const file = await readFile(path);
  const fail = (rule: string, got: unknown) => new FileFormatError(path, rule, got);
  if (file.length < 10 || !MAGIC.every((byte, i) => file[i] === byte))
    throw fail(
      'a .npy file of version 1.0 starts with "\\x93NUMPY\\x01\\x00"',
      file.subarray(0, 8).toString('hex'),
    );
  const start = 10 + file.readUInt16LE(8);
  const header = file.subarray(10, start).toString('latin1');
  const [, descr = '', order, sizes = ''] = HEADER.exec(header) ?? [];
  if (!order || start > file.length)
    throw fail('the header must be a dict of descr, fortran_order, shape', header);
  if (order === 'True') throw fail('fortran_order must be False', order);
  if (!Object.hasOwn(ARRAYS, descr))
    throw fail(`descr must be one of ${Object.keys(ARRAYS).join(' ')}`, descr);
  const array = ARRAYS[descr as keyof typeof ARRAYS];
  const shape = sizes.split(',').map((size) => size.trim());
  if (shape.at(-1) === '') shape.pop(); // "(3,)" and "()"
  if (shape.some((size) => !/^\d{1,15}$/.test(size)))
    throw fail('shape must be a tuple of whole numbers', sizes);
  const numbers = shape.map(Number);
  const bytes = elementCount(numbers) * array.BYTES_PER_ELEMENT;
  if (bytes !== file.length - start)
    throw fail(`shape (${sizes}) must be ${bytes} bytes of data`, file.length - start);
  const data = file.buffer.slice(file.byteOffset + start, file.byteOffset + file.length); // aligned
  return { shape: numbers, data: new array(data as ArrayBuffer) };
}
