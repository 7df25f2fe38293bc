import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readNpy } from '../../tests/support/npy.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { type NpyArray, writeNpy } from './npy.ts';

const path = join(temporaryFolder(), 'a.npy');

/** numpy.save of numpy.arange(6, dtype='int32').reshape(2, 3), as written by NumPy. */
const FROM_NUMPY = Buffer.concat([
  Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'),
  Buffer.from(`${"{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }".padEnd(117)}\n`),
  Buffer.from(Int32Array.of(0, 1, 2, 3, 4, 5).buffer),
]);

test('writes the bytes that NumPy writes', async () => {
  await writeNpy(path, { shape: [2, 3], data: Int32Array.of(0, 1, 2, 3, 4, 5) });
  expect(readFileSync(path).equals(FROM_NUMPY)).toBe(true);
});

test.each<NpyArray>([
  { shape: [2, 2], data: Float32Array.of(1.5, Number.NaN, -0, Number.NEGATIVE_INFINITY) },
  { shape: [3], data: Uint8Array.of(0, 128, 255) },
  { shape: [], data: Int32Array.of(-7) },
  { shape: [4, 0, 2], data: new Float32Array() },
])('reads back shape $shape', async (array) => {
  await writeNpy(path, array);
  expect(readNpy(path)).toEqual(array);
});

test('refuses to write a shape that does not fit', async () => {
  await expect(writeNpy(path, { shape: [3], data: new Uint8Array(2) })).rejects.toThrow(
    '2 elements, got [3]',
  );
});
