import type { Normalisation } from '../image/normalise.ts';
import type { EvaluationView } from '../image/view.ts';
import type { ClassifierConfig } from '../models/classifier.ts';
import type { AutoencoderConfig, EncoderConfig } from '../models/config.ts';
import type { CheckpointInfo } from '../run/checkpoint.ts';
import type { RunConfig } from '../run/kind.ts';
import type { WeightsReport } from './report.ts';

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
