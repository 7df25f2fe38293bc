import { readFileSync } from 'node:fs';
import type { NpyArray } from '../../src/io/npy.ts';

const arrays: Readonly<
  Record<string, Float32ArrayConstructor | Int32ArrayConstructor | Uint8ArrayConstructor>
> = {
  '<f4': Float32Array,
  '<i4': Int32Array,
  '|u1': Uint8Array,
};

/** Reads a .npy file of version 1.0 in C order, by NumPy's description of the format. */
export function readNpy(path: string): NpyArray {
  const file = readFileSync(path);
  const start = 10 + file.readUInt16LE(8);
  const header = file.subarray(10, start).toString('latin1');
  const [, descr, sizes] = /'descr': '(.*?)', 'fortran_order': False, 'shape': \((.*?)\)/.exec(header)!;
  const shape = sizes!
    .split(',')
    .filter((size) => size.trim() !== '')
    .map(Number);
  return { shape, data: new arrays[descr!]!(Uint8Array.from(file.subarray(start)).buffer) };
}
