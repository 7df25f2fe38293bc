import { join } from 'node:path';
import type { NamedTensor } from '../../io/dtypes.ts';
import { writeSafetensors } from '../../io/safetensors.ts';
import type { ParameterSpec } from '../../nn/parameters.ts';
import type { Model } from '../model.ts';

type F32 = NamedTensor<'F32'>;

/** The model's tensors for these specs. Sets the biases of keys, which attention ignores, to zero. */
export function tensorsOf(model: Pick<Model, 'weights'>, specs: readonly ParameterSpec[]): Map<string, F32> {
  return new Map(
    specs.map(({ name, shape }) => {
      const data = model.weights[name]! as Float32Array<ArrayBuffer>;
      return [name, tensor(name.endsWith('.attn.qkv.bias') ? withoutKeys(data) : data, shape)];
    }),
  );
}

export function tensor(data: Float32Array<ArrayBuffer>, shape: readonly number[]): F32 {
  return { dtype: 'F32', shape, data };
}

/** Rows `part`/`parts` to `(part + 1)`/`parts` of a tensor. */
export function rowsOf({ data, shape }: F32, part: number, parts: number): F32 {
  const size = data.length / parts;
  const rows = data.subarray(part * size, (part + 1) * size);
  return tensor(rows, [shape[0]! / parts, ...shape.slice(1)]);
}

function withoutKeys(bias: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const width = bias.length / 3;
  return bias.slice().fill(0, width, 2 * width);
}

/** Writes `model.safetensors` in the form that PyTorch's libraries expect. */
export async function writeTensors(
  folder: string,
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Record<string, string> = {},
): Promise<void> {
  await writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt', ...metadata });
}
