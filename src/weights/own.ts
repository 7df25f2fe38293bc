import { classifierConfig, type FinetuneConfig } from '../config/finetune-schema.ts';
import { normalisationOf } from '../image/normalise.ts';
import { FileFormatError } from '../io/file-format-error.ts';
import type { TensorFile } from '../io/tensor-file-types.ts';
import { autoencoderParameters } from '../models/autoencoder.ts';
import { classifierParameters } from '../models/classifier.ts';
import { encoderParameters } from '../models/encoder.ts';
import { type CheckpointInfo, checkpointInfo, isCheckpointOf } from '../run/checkpoint.ts';
import { finetuning } from '../run/kind.ts';
import type { FoundModel, ModelDescription } from './description.ts';
import { requireFinite } from './finite.ts';
import { requireShape } from './parameters.ts';

/** A checkpoint of this project. Optimizer slots are not read. Throws FileFormatError where tensors do not fit its settings. */
export function understandOwn(file: TensorFile): FoundModel {
  const { path, metadata, tensors: infos } = file;
  const { specs, ...model } = isCheckpointOf(finetuning, metadata)
    ? ofClassifier(checkpointInfo(path, metadata, finetuning), path)
    : ofPretraining(checkpointInfo(path, metadata), infos);
  const { data } = model.run.config;
  const known = new Set(specs.map(({ name }) => name));
  const reason = (name: string) =>
    name.includes(':') ? 'optimizer slot' : 'the model of its settings has no such weight';
  const description: ModelDescription = {
    source: 'beyond-masking',
    path,
    ...model,
    normalisation: normalisationOf(data),
    evaluationCrop: data.evaluationCrop,
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
        if (tensor.dtype !== 'F32')
          throw new FileFormatError(path, `tensor ${name} must be F32`, tensor.dtype);
        weights[name] = tensor.data as Float32Array;
      }
      requireFinite(
        path,
        [...infos.keys()].flatMap((name) => (weights[name] ? [[name, weights[name]] as const] : [])),
      );
      return { ...description, weights };
    },
  };
}

/** The decoder may have been taken out. */
function ofPretraining(run: CheckpointInfo, tensors: ReadonlyMap<string, unknown>) {
  const encoder = run.config.model;
  const specs = autoencoderParameters(encoder);
  return specs.every(({ name }) => tensors.has(name))
    ? { run, encoder, decoder: encoder, specs }
    : { run, encoder, specs: encoderParameters(encoder) };
}

function ofClassifier(run: CheckpointInfo<FinetuneConfig>, path: string) {
  if (!run.classes) throw new FileFormatError(path, 'a classifier must name its classes', 'nothing');
  const classifier = classifierConfig(run.config, run.classes.length);
  const specs = classifierParameters(classifier);
  return { run, encoder: classifier, classifier, classes: run.classes, specs };
}
