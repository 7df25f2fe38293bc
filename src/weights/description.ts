import type { Normalisation } from '../image/normalise.ts';
import type { EvaluationView } from '../image/view.ts';
import type { ClassifierConfig } from '../models/classifier.ts';
import type { AutoencoderConfig, EncoderConfig } from '../models/config.ts';
import type { DetectorConfig } from '../models/detector.ts';
import type { SegmenterConfig } from '../models/segmenter.ts';
import type { CheckpointInfo } from '../run/checkpoint.ts';
import type { RunConfig } from '../run/kind.ts';
import type { WeightsReport } from './report.ts';

/** Description of a file of weights from any project. */
export interface ModelDescription {
  /** Origin: `beyond-masking`, or another project's name. */
  readonly source: string;
  /** The file. */
  readonly path: string;
  readonly encoder: EncoderConfig;
  /** The whole autoencoder, if the file has its decoder. */
  readonly decoder?: AutoencoderConfig;
  /** The whole classifier, if the file has a head. */
  readonly classifier?: ClassifierConfig;
  /** The whole segmenter, if the file has its head. */
  readonly segmenter?: SegmenterConfig;
  /** The whole detector, if the file has its head. */
  readonly detector?: DetectorConfig;
  /** Names of the head's classes, if known. */
  readonly classes?: readonly string[];
  /** Meaning of the head's outputs. Default: scores of mutually exclusive classes. */
  readonly problem?: 'multi-label' | 'regression';
  /** Normalisation of pixels in [0, 1]. */
  readonly normalisation: Normalisation;
  /** Side of an evaluation view relative to the image's shorter side. */
  readonly evaluationCrop: number;
  /** The file's evaluation view. Default: the view covers the model's images / `evaluationCrop`, bicubic. */
  readonly evaluationView?: EvaluationView;
  readonly report: WeightsReport;
  /** Settings and progress, if a run of this project wrote the file. */
  readonly run?: CheckpointInfo<RunConfig>;
}

/** A model from a file. */
export interface Model extends ModelDescription {
  /** The encoder's weights, and those of a decoder or head, by this project's names. */
  readonly weights: Readonly<Record<string, Float32Array>>;
}

/** A recognised model whose weights are not read yet. */
export interface FoundModel {
  readonly description: ModelDescription;
  load(): Promise<Model>;
}
