import type { FinetuneConfig, FinetuneInput } from './finetune-schema.ts';
import type { Config, ConfigInput } from './schema.ts';

/** A recipe as data: its settings, over those of its model's size. */
export interface AnyEntry<I extends object = object> {
  /** `data-model-task`, `data-model-finetune` */
  readonly name: string;
  readonly model: string;
  /** Where the settings come from. */
  readonly source: string;
  /** Images of one pass. */
  readonly images: number;
  /** The number it should give, or that none was published. */
  readonly expected: string;
  /** Further notes, in whole lines that recipes may share: machine and time. */
  readonly notes: readonly string[];
  readonly settings: I;
  /** Laid over the settings for a variant of a few minutes, named `<name>-quick`. */
  readonly quick?: I;
}

/** A recipe of pre-training as data: settings over those of its model's size and task. */
export interface RecipeEntry extends AnyEntry<ConfigInput> {
  readonly task: string;
}

/** A recipe of fine-tuning as data. */
export interface FinetuneEntry extends AnyEntry<FinetuneInput> {
  readonly classes: number;
}

/** Cost of a run. */
export interface Cost {
  /** Over all epochs. */
  readonly images: number;
  /** Floating-point operations of matrix products, of all images together. */
  readonly flops: number;
}

/** A named set of settings, complete, with where it comes from, what it costs and what it should give. */
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
