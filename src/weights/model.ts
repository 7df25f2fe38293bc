import type { Normalisation } from '../image/normalise.ts';
import type { EvaluationView } from '../image/view.ts';
import { openTensorFile, type TensorFile } from '../io/tensor-file.ts';
import type { ClassifierConfig } from '../models/classifier.ts';
import type { AutoencoderConfig, EncoderConfig } from '../models/config.ts';
import { type CheckpointInfo, isCheckpoint } from '../run/checkpoint.ts';
import type { RunConfig } from '../run/kind.ts';
import { findModelFile } from './find.ts';
import { type ForeignOptions, understandForeign } from './in/foreign.ts';
import { understandOwn } from './own.ts';
import type { WeightsReport } from './report.ts';

export { modelParameters } from './parameters.ts';

/** What a file of weights is, whoever wrote it. */
export interface ModelDescription {
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
  /** What the head's outputs are, where they are not the scores of classes that exclude each other. */
  readonly problem?: 'multi-label' | 'regression';
  /** What pixels in [0, 1] are normalised with. */
  readonly normalisation: Normalisation;
  /** Side of an evaluation view relative to the image's shorter side. */
  readonly evaluationCrop: number;
  /** How the file says that an evaluation view is made; else the view covers the model's images / `evaluationCrop`, bicubic. */
  readonly evaluationView?: EvaluationView;
  readonly report: WeightsReport;
  /** Settings and progress, where a run of this project wrote the file. */
  readonly run?: CheckpointInfo<RunConfig>;
}

/** A model that a file holds. */
export interface Model extends ModelDescription {
  /** By the names of this project: the encoder's, and those of a decoder or head. */
  readonly weights: Readonly<Record<string, Float32Array>>;
}

/** A model that was understood, its weights not read yet. */
export interface FoundModel {
  readonly description: ModelDescription;
  load(): Promise<Model>;
}

/**
 * Opens a model:
 * - a file of weights, safetensors or PyTorch's (.pth, .pt, .bin; nothing in it is executed), of this project or with the
 *   names of timm, MAE, the paper's code or Hugging Face,
 * - the folder of a run, for its best checkpoint, or its newest where none is the best,
 * - a folder of Hugging Face or timm, with its `config.json`.
 *
 * Throws FileFormatError for a file that is broken or that the models here cannot stand for, RunError for a folder
 * without a model, or the system's error.
 */
export async function openModel(path: string, options: ForeignOptions = {}): Promise<Model> {
  return (await findModel(path, options)).load();
}

/** What `openModel` would open, without its weights. Throws what it throws. */
export async function findModel(path: string, options: ForeignOptions = {}): Promise<FoundModel> {
  return understand(await openTensorFile(await findModelFile(path)), options);
}

/** The model of an open file. Throws FileFormatError where it is none that the models here can stand for. */
export async function understand(file: TensorFile, options: ForeignOptions): Promise<FoundModel> {
  return isCheckpoint(file.metadata) ? understandOwn(file) : understandForeign(file, options);
}
