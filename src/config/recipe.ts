import type { DetectConfig, DetectInput } from './detect-schema.ts';
import type { FinetuneConfig, FinetuneInput } from './finetune-schema.ts';
import type { Config, ConfigInput } from './schema.ts';
import type { SegmentConfig, SegmentInput } from './segment-schema.ts';

/** A recipe as data: its settings, over those of its model's size. */
export interface AnyEntry<I extends object = object> {
  /** `data-model-task`, `data-model-finetune` */
  readonly name: string;
  readonly model: string;
  /** The publication that the settings come from. */
  readonly source: string;
  /** Images of one pass. */
  readonly images: number;
  /** The expected result, or a note that none was published. */
  readonly expected: string;
  /** Further notes, in whole lines that recipes may share: machine and time. */
  readonly notes: readonly string[];
  readonly settings: I;
  /** Overrides the settings in a variant that takes a few minutes, `<name>-quick`. */
  readonly quick?: I;
}

/** A pre-training recipe as data: settings that override the settings of its model's size and task. */
export interface RecipeEntry extends AnyEntry<ConfigInput> {
  readonly task: string;
}

/** A fine-tuning recipe as data. */
export interface FinetuneEntry extends AnyEntry<FinetuneInput> {
  readonly classes: number;
}

/** A recipe of segmentation as data. */
export interface SegmentEntry extends AnyEntry<SegmentInput> {
  readonly classes: number;
}

/** A recipe of detection as data. */
export interface DetectEntry extends AnyEntry<DetectInput> {
  readonly classes: number;
}

/** Cost of a run. */
export interface Cost {
  /** Over all epochs. */
  readonly images: number;
  /** Floating-point operations of the matrix products, summed over all images. */
  readonly flops: number;
}

/** Complete settings with a name, a source, a cost and an expected result. */
export interface RecipeOf<C> {
  readonly name: string;
  readonly source: string;
  readonly cost: Cost;
  readonly expected: string;
  readonly notes: readonly string[];
  readonly config: C;
}

export type Recipe = RecipeOf<Config>;
export type FinetuneRecipe = RecipeOf<FinetuneConfig>;
export type SegmentRecipe = RecipeOf<SegmentConfig>;
export type DetectRecipe = RecipeOf<DetectConfig>;
