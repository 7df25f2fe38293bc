import { normalisationOf } from '../image/normalise.ts';
import { toFloat32 } from '../io/dtypes.ts';
import { FileFormatError } from '../io/file-format-error.ts';
import type { TensorFile } from '../io/tensor-file-types.ts';
import type { NamedTarget } from '../nn/targets/target.ts';
import { type CheckpointInfo, checkpointInfo, isCheckpointOf } from '../run/checkpoint.ts';
import type { CheckpointModel, RunConfig, RunKind } from '../run/kind.ts';
import { pretraining } from '../run/kinds/pretrain.ts';
import { runKinds } from '../run/kinds/table.ts';
import type { FoundModel, ModelDescription } from './description.ts';
import { requireFinite } from './finite.ts';
import { requireShape } from './parameters.ts';

/** Types of weights: runs write F32, packaged models F16. */
const FLOATS: readonly string[] = ['F32', 'F16', 'BF16'];

/**
 * Recognises a checkpoint of this project. Does not read optimizer slots. Throws FileFormatError if tensors do not
 * fit its settings.
 * @param targets of the user's own
 */
export function understandOwn(file: TensorFile, targets?: readonly NamedTarget[]): FoundModel {
  const { path, metadata, tensors: infos } = file;
  const kind = runKinds.find((each) => isCheckpointOf(each, metadata)) ?? pretraining;
  const run = checkpointInfo<RunConfig>(path, metadata, kind);
  const { specs, ...model } = modelOf(kind, run, infos, targets);
  const { data } = run.config;
  const known = new Set(specs.map(({ name }) => name));
  const reason = (name: string) =>
    name.includes(':') ? 'optimizer slot' : 'the model of its settings has no such weight';
  const description: ModelDescription = {
    source: 'beyond-masking',
    path,
    run,
    ...model,
    normalisation: normalisationOf(data),
    evaluationCrop: data.evaluationCrop ?? 1,
    ...(data.evaluationView && { evaluationView: data.evaluationView }),
    report: {
      tensors: [...infos].map(([tensor, { dtype, shape }]) => ({
        tensor,
        dtype,
        shape,
        ...(known.has(tensor)
          ? { fate: 'loaded', name: tensor }
          : { fate: 'ignored', reason: reason(tensor) }),
      })),
      missing: [],
      notes: [],
    },
  };
  return {
    description,
    async load() {
      const tensors = await file.read([...known]);
      const weights: Record<string, Float32Array> = {};
      for (const { name, shape } of specs) {
        const tensor = tensors.get(name)!;
        requireShape(path, name, tensor.shape, shape);
        if (!FLOATS.includes(tensor.dtype))
          throw new FileFormatError(path, `tensor ${name} must be ${FLOATS.join(', ')}`, tensor.dtype);
        weights[name] = toFloat32(tensor);
      }
      requireFinite(
        path,
        [...infos.keys()].flatMap((name) => (weights[name] ? [[name, weights[name]] as const] : [])),
      );
      return { ...description, weights };
    },
  };
}

function modelOf(
  kind: RunKind<RunConfig>,
  { path, config, classes }: CheckpointInfo<RunConfig>,
  tensors: ReadonlyMap<string, unknown>,
  targets: readonly NamedTarget[] | undefined,
): CheckpointModel {
  try {
    return kind.model(config, { classes, targets, has: (name) => tensors.has(name) });
  } catch (error) {
    if (error instanceof RangeError) throw new FileFormatError(path, error.message, 'nothing');
    throw error;
  }
}
