import { classifierConfig, type FinetuneConfig } from '../config/finetune-schema.ts';
import type { Shape } from '../graph/index.ts';
import { FileFormatError } from '../io/file-format-error.ts';
import { readHeader, readSafetensors } from '../io/safetensors.ts';
import {
  type AutoencoderConfig,
  autoencoderParameters,
  type EncoderConfig,
  type ParameterSpec,
} from '../models/autoencoder.ts';
import { type ClassifierConfig, classifierParameters } from '../models/classifier.ts';
import { encoderParameters } from '../models/encoder.ts';
import type { Normalisation } from '../nn/normalise.ts';
import { type CheckpointInfo, checkpointInfo, isCheckpointOf } from '../train/checkpoint.ts';
import { findWeights } from '../train/run-folder.ts';
import { finetuning, type RunConfig } from '../train/run-kind.ts';
import type { WeightsReport } from './report.ts';

/** A model that a file holds, whoever wrote it. */
export interface Model {
  /** Who wrote it: `beyond-masking`, or another project's name. */
  readonly source: string;
  /** The file. */
  readonly path: string;
  readonly encoder: EncoderConfig;
  /** The whole autoencoder, where the file has its decoder. */
  readonly decoder?: AutoencoderConfig;
  /** The whole classifier, where the file has a head. */
  readonly classifier?: ClassifierConfig;
  /** Names of the head's classes, where they are known. */
  readonly classes?: readonly string[];
  /** What pixels in [0, 1] are normalised with. */
  readonly normalisation: Normalisation;
  /** Side of an evaluation view relative to the image's shorter side. */
  readonly evaluationCrop: number;
  /** By the names of this project: the encoder's, and those of a decoder or head. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  readonly report: WeightsReport;
  /** Settings and progress, where a run of this project wrote the file. */
  readonly run?: CheckpointInfo<RunConfig>;
}

/**
 * Opens a model: a safetensors file, or the folder of a run for its best checkpoint, or its newest where none is the best.
 * Throws FileFormatError for a file that is broken or that the models here cannot stand for, RunError for a folder
 * without a model, or the system's error.
 */
export async function openModel(path: string): Promise<Model> {
  return openCheckpoint(await findWeights(path));
}

/** The state tensors of a model, whether the file has them or not. */
export function modelParameters({
  encoder,
  decoder,
  classifier,
}: Pick<Model, 'encoder' | 'decoder' | 'classifier'>): ParameterSpec[] {
  const specs = [
    ...(classifier ? classifierParameters(classifier) : encoderParameters(encoder)),
    ...(decoder ? autoencoderParameters(decoder) : []),
  ];
  return [...new Map(specs.map((spec) => [spec.name, spec])).values()];
}

/** A checkpoint of this project. Optimizer slots are not read. */
async function openCheckpoint(path: string): Promise<Model> {
  const { metadata, tensors: infos } = await readHeader(path);
  const isClassifier = isCheckpointOf(finetuning, metadata);
  const { specs, ...model } = isClassifier
    ? ofClassifier(checkpointInfo(path, metadata, finetuning), path)
    : ofPretraining(checkpointInfo(path, metadata), infos);
  const { data } = model.run.config;
  const { tensors } = await readSafetensors(path, { names: specs.map(({ name }) => name) });
  const weights: Record<string, Float32Array> = {};
  for (const { name, shape } of specs) {
    const tensor = tensors.get(name)!;
    requireShape(path, name, tensor.shape, shape);
    if (tensor.dtype !== 'F32') throw new FileFormatError(path, `tensor ${name} must be F32`, tensor.dtype);
    weights[name] = tensor.data as Float32Array;
  }
  const reason = (name: string) =>
    name.includes(':') ? 'optimizer slot' : 'the model of its settings has no such weight';
  return {
    source: 'beyond-masking',
    path,
    ...model,
    normalisation: { mean: data.mean, std: data.std },
    evaluationCrop: data.evaluationCrop,
    weights,
    report: {
      tensors: [...infos].map(([tensor, { dtype, shape }]) => ({
        tensor,
        dtype,
        shape,
        ...(weights[tensor] ? { fate: 'loaded', name: tensor } : { fate: 'ignored', reason: reason(tensor) }),
      })),
      missing: [],
      notes: [],
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

/** Throws FileFormatError unless a tensor has the shape that the model's sizes give. */
export function requireShape(path: string, name: string, got: Shape, expected: Shape): void {
  if (got.length === expected.length && got.every((n, i) => n === expected[i])) return;
  throw new FileFormatError(path, `tensor ${name} must have the shape ${JSON.stringify(expected)}`, got);
}
