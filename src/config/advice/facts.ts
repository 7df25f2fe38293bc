import type { AutoencoderConfig } from '../../models/config.ts';
import type { OwnTasks } from '../../tasks/own.ts';
import type { Config, ConfigInput } from '../schema.ts';

/** Facts about images that settings are chosen by. */
export interface ImageFacts {
  /** Images that can be read. */
  readonly images: number;
  /** The same with broken ones, in whose places others are trained on. */
  readonly files: number;
  /** Fewest and most files to hold out so that both parts have an image that can be read. Default: any number. */
  readonly heldOut?: readonly [fewest: number, most: number] | undefined;
  readonly labelled: boolean;
  /** True if the source has a test set, so that no image must be held out. */
  readonly tested: boolean;
  /** Middle length of the shorter sides, in pixels. */
  readonly side: number;
  /** As many as a model takes. */
  readonly channels: number;
  /** Of each channel, of pixels in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Distance at which the correlation of pixels falls to 1/e, as a share of the shorter side. */
  readonly correlationLength: number;
  /** Mean correlation of adjacent pixels within blocks of the size of a patch, which all count the same. */
  readonly blockCorrelation: number;
  /** Time to read an image and to make a view of it, in seconds. */
  readonly readSeconds: number;
}

/** Facts about a machine that settings are chosen by. */
export interface MachineFacts {
  /** Operations of matrix products per second of training, and where the number comes from. */
  readonly flops: number;
  readonly how: string;
  /** Bytes. */
  readonly memory: number;
  /** True for a GPU or TPU. */
  readonly accelerator: boolean;
  /** Type of matrix products at that rate. Default: f32. */
  readonly precision?: 'f32' | 'bf16' | undefined;
}

/** Weights that training starts with. */
export interface StartFacts {
  /** The file, as the user named it. */
  readonly path: string;
  /** Its project, in words. */
  readonly source: string;
  /** The sizes of the whole autoencoder, or of the encoder alone. */
  readonly model: Omit<AutoencoderConfig, 'decoder' | 'target'> &
    Partial<Pick<AutoencoderConfig, 'decoder' | 'target'>>;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Samples of files that meant 0 and 1. Default: the range of their type. */
  readonly range?: readonly [low: number, high: number] | undefined;
  readonly evaluationCrop: number;
  /** The task that they were trained with. */
  readonly task: Pick<Config['task'], 'name' | 'maskRatio'>;
}

/** An advised setting. */
export interface Advised {
  /** Its path, as `--set` takes it. */
  readonly setting: string;
  readonly value: unknown;
  readonly reason: string;
  /** Publication, document or measurement that the reason rests on. */
  readonly source: string;
}

export interface AdviceOptions {
  /** Time that training may take. */
  readonly seconds: number;
  /** Settings that the user gave: they win. */
  readonly given?: ConfigInput | undefined;
  /** Weights to start with. */
  readonly start?: StartFacts | undefined;
  readonly own?: OwnTasks | undefined;
}

/** True for images with fewer pixels across than any usual model takes. */
export const isSmall = ({ side }: ImageFacts): boolean => side < 64;

/** The sources of reasons that follow from the images themselves, and from this project's trials. */
export const [MEASURED, TRIED] = ['measured here', 'docs/advise.md, Tried'];
