import type { FinetuneConfig, FinetuneInput } from './finetune-schema.ts';
import type { Config, ConfigInput } from './schema.ts';

/** A recipe as data: settings of its own, over those of its model's size and task. */
export interface RecipeEntry {
  /** `data-model-task` */
  readonly name: string;
  readonly model: string;
  readonly task: string;
  /** Where the settings come from. */
  readonly source: string;
  /** Images of one pass. */
  readonly images: number;
  /** The number it should give, or that none was published. */
  readonly expected: string;
  /** What else there is to know, in whole lines that recipes may share: the machine and patience that it takes. */
  readonly notes: readonly string[];
  readonly settings: ConfigInput;
  /** Laid over the settings for a variant of a few minutes, named `<name>-quick`. */
  readonly quick?: ConfigInput;
}

/** What a run takes. */
export interface Cost {
  /** Over all epochs. */
  readonly images: number;
  /** Floating-point operations of matrix products, of all images together. */
  readonly flops: number;
}

/** A named set of settings, complete, with where it comes from, what it costs and what it should give. */
export interface Recipe {
  readonly name: string;
  readonly source: string;
  readonly cost: Cost;
  readonly expected: string;
  readonly notes: readonly string[];
  readonly config: Config;
}

/** A recipe of fine-tuning as data: settings of its own, over those of its model's size. */
export interface FinetuneEntry {
  /** `data-model-finetune` */
  readonly name: string;
  readonly model: string;
  readonly source: string;
  /** Images of one pass, and their classes. */
  readonly images: number;
  readonly classes: number;
  readonly expected: string;
  readonly notes: readonly string[];
  readonly settings: FinetuneInput;
  /** Laid over the settings for a variant of a few minutes, named `<name>-quick`. */
  readonly quick?: FinetuneInput;
}

export interface FinetuneRecipe {
  readonly name: string;
  readonly source: string;
  readonly cost: Cost;
  readonly expected: string;
  readonly notes: readonly string[];
  readonly config: FinetuneConfig;
}
