import { fileURLToPath } from 'node:url';
import { toFloat32 } from '../../src/io/dtypes.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';

const path = (name: string) => fileURLToPath(new URL(`../fixtures/${name}.safetensors`, import.meta.url));

/** Named tensors of a fixture of tests/oracle, and a function to parse its metadata. */
export async function readFixture(name: string) {
  const { tensors, metadata } = await readSafetensors(path(name));
  return {
    names: [...tensors.keys()],
    float: (tensor: string): Float32Array => toFloat32(tensors.get(tensor)!),
    ints: (tensor: string) => tensors.get(tensor)!.data as Int32Array,
    shape: (tensor: string): readonly number[] => tensors.get(tensor)!.shape,
    metadata: (key: string) => JSON.parse(metadata[key]!),
  };
}
