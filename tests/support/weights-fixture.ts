import { fileURLToPath } from 'node:url';
import { toFloat32 } from '../../src/io/dtypes.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';

/** Path of a file or folder from `tests/oracle/make_weights_fixtures.py`. */
export const weightsFixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/weights/${name}`, import.meta.url));

/** The packages' results for them, by name. */
export async function readExpected() {
  const { tensors } = await readSafetensors(weightsFixture('expected.safetensors'));
  return {
    float: (name: string): Float32Array => toFloat32(tensors.get(name)!),
    integers: (name: string): Int32Array => tensors.get(name)!.data as Int32Array,
    shape: (name: string): readonly number[] => tensors.get(name)!.shape,
    names: [...tensors.keys()],
  };
}
