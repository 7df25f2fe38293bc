import type { DetectConfig } from '../config/detect-schema.ts';
import type { FinetuneConfig } from '../config/finetune-schema.ts';
import type { ProbeRun } from '../config/linprobe-schema.ts';
import type { Config } from '../config/schema.ts';
import type { SegmentConfig } from '../config/segment-schema.ts';
import type { OpenProgress } from '../data/sources/scheme.ts';

/** A row of `metrics.jsonl`: one update, with the measurements after it. Further columns are the terms of the loss, by name. */
export interface StepRow {
  /** Updates so far, this one included. */
  readonly step: number;
  /** Passes over the images so far, with their fraction. */
  readonly epoch: number;
  /** Mean over the batch; null when it was not finite. */
  readonly loss?: number | null;
  readonly lr?: number;
  /** Norm of all gradients together, before clipping; null when it was not finite. */
  readonly gradientNorm?: number | null;
  readonly imagesPerSecond?: number;
  /** Of training since the start of the run, earlier sittings included. */
  readonly seconds?: number;
  /** Name of the value that was not finite, if the update was skipped. */
  readonly skipped?: string;
  /** True: the run was stopped during the measurements after the update; the resumed run measures again. */
  readonly unmeasured?: true;
  readonly heldOutLoss?: number;
  /** Decibels, of held-out images: of reconstructions, and of their patches' means alone (see `heldOutScores`). */
  readonly psnr?: number;
  readonly psnrOfMeans?: number;
  readonly knn?: KnnScores;
  readonly panel?: PanelScores;
  readonly [part: string]: unknown;
}

/** Measures of features of images; a measure that they are too few for is left out. */
export interface PanelScores {
  readonly images: number;
  /** Effective rank of the features, of at most their width. */
  readonly rankMe: number;
  /** Exponent of the decay of their variances. */
  readonly alphaReq?: number;
  /** Intrinsic dimension. */
  readonly idEst?: number;
  /** Mean cosine of pairs of images. */
  readonly meanCosine: number;
  /** Share of principal directions that hardly vary, in [0, 1]. */
  readonly deadDirections: number;
  /** Quality of patches' tokens for dense tasks. */
  readonly dse?: number;
  /** Effective rank of the differences between images beyond those between views of one image; at every tenth panel. */
  readonly lidar?: number;
  /** Where the images have classes: top-1 of a linear classifier, each image classified by all others. */
  readonly linear?: number;
}

/** Top-1 accuracies in [0, 1]. */
export interface ProbeScores {
  /** Of the features of the weights at this step. */
  readonly features: number;
  /** Of the features of random weights, and of the raw pixels: at the start of a run only. */
  readonly random?: number;
  readonly pixels?: number;
}

/** The kNN report: scores of kNN and, on the same images, of a brief linear probe. */
export interface KnnScores extends ProbeScores {
  /** Neighbours that vote: 20, fewer where fewer images may. Absent in rows of earlier versions: 20. */
  readonly k?: number;
  /** Absent where the images are too few. */
  readonly linear?: ProbeScores;
  /** Images that vote or are learned from, and images that are classified. */
  readonly train: number;
  readonly test: number;
  /** Given where each image is classified by all others: too few are held out. */
  readonly leaveOneOut?: true;
}

/** Something a person should know: a changed setting, a broken image, a missing engine. */
export interface NoteEvent {
  readonly type: 'note';
  readonly message: string;
}

/** Events of every run during training. */
export type RunningEvent =
  | NoteEvent
  | { readonly type: 'step'; readonly row: StepRow; readonly lastStep: number }
  | {
      readonly type: 'file';
      readonly kind: 'checkpoint' | 'best' | 'reconstructions' | 'predictions' | 'curves';
      readonly path: string;
    }
  /** Progress of an evaluation, in images; `what` names it if a run has several. */
  | { readonly type: 'evaluating'; readonly what?: string; readonly done: number; readonly total: number }
  | { readonly type: 'end'; readonly outcome: Outcome; readonly step: number; readonly lastStep: number };

/** The start of every run. */
export interface StartEvent<C> {
  readonly type: 'start';
  readonly folder: string;
  readonly config: C;
  readonly engine: string;
  readonly images: number;
  readonly stepsPerEpoch: number;
  /** The update at which the run ends, and those already made. */
  readonly lastStep: number;
  readonly step: number;
}

/** The data set is being fetched. */
export interface FetchEvent {
  readonly type: 'fetch';
  readonly progress: OpenProgress;
}

/** Events of pre-training. */
export type PretrainEvent =
  | RunningEvent
  | FetchEvent
  | (StartEvent<Config> & {
      /** Trained numbers of encoder and decoder. */
      readonly weights: { readonly encoder: number; readonly decoder: number };
      readonly heldOutImages: number;
      /** True if the images have two classes or more, which judges need. */
      readonly labelled: boolean;
      /** The kNN report from before the first update, where an earlier sitting made it. */
      readonly knn?: KnnScores;
    })
  | { readonly type: 'knn'; readonly step: number; readonly scores: KnnScores };

/** Further fields at the start of a run that trains a head. */
export interface HeadStart {
  /** Trained numbers of the encoder with its norm, and of the head. */
  readonly weights: { readonly encoder: number; readonly head: number };
  readonly classes: readonly string[];
  /** Images of an evaluation. */
  readonly testImages: number;
}

/** Events of fine-tuning. */
export type FinetuneEvent = RunningEvent | FetchEvent | (StartEvent<FinetuneConfig> & HeadStart);

/** Events of segmentation. */
export type SegmentEvent = RunningEvent | FetchEvent | (StartEvent<SegmentConfig> & HeadStart);

/** Events of detection. */
export type DetectEvent = RunningEvent | FetchEvent | (StartEvent<DetectConfig> & HeadStart);

/** Events of a linear probe. */
export type LinprobeEvent = RunningEvent | StartEvent<ProbeRun>;

/** Why a run ended: all epochs done, `maxSteps` reached, or asked to stop. */
export type Outcome = 'finished' | 'max-steps' | 'interrupted';
