import type { DetectInput } from '../config/detect-schema.ts';
import { ConfigError } from '../config/error.ts';
import type { FinetuneInput } from '../config/finetune-schema.ts';
import type { LinprobeInput } from '../config/linprobe-schema.ts';
import { mergeConfig } from '../config/overrides.ts';
import { resolveConfig } from '../config/recipes.ts';
import type { Config, ConfigInput } from '../config/schema.ts';
import type { SegmentInput } from '../config/segment-schema.ts';

/** The task of an arm that is not pre-trained. */
export const SCRATCH = 'scratch';

/** The quantity that arms have in common: the epochs of pre-training and fine-tuning, or the operations of both together. */
export type Budget = 'steps' | 'compute';
export const budgets: readonly Budget[] = ['steps', 'compute'];

/** One of the models that are compared, over its seeds. */
export interface Arm {
  readonly name: string;
  /** A task, or `SCRATCH`. */
  readonly task: string;
  readonly settings?: ConfigInput | undefined;
  readonly finetune?: FinetuneInput | undefined;
  readonly segment?: SegmentInput | undefined;
  readonly detect?: DetectInput | undefined;
  readonly seeds: readonly number[];
  readonly epochs?: number | undefined;
  /** Names of the table of judges. */
  readonly judges: readonly string[];
}

/** Arms that are compared: their seeds, budgets and judges. */
export interface Group {
  /** Empty for the only group of a study without groups. */
  readonly name: string;
  readonly arms: readonly Arm[];
  readonly budgets: readonly Budget[];
  readonly pretrain: ConfigInput;
  readonly knn?: { readonly trainImages: number; readonly testImages: number } | undefined;
  readonly linear?: LinprobeInput | undefined;
  readonly finetune: readonly FinetuneInput[];
  readonly segment?: SegmentInput | undefined;
  readonly detect?: DetectInput | undefined;
}

/** The settings of an arm's pre-training as they were given; for scratch, of a model that is not trained. */
export function pretrainSettings({ pretrain }: Group, arm: Arm, seed: number): ConfigInput {
  const task = arm.task === SCRATCH ? {} : { task: { name: arm.task } };
  const given = mergeConfig(pretrain, arm.settings ?? {}, task, { seed });
  if (arm.epochs === undefined) return given;
  return mergeConfig(given, { training: stretched(resolveConfig(given).training, arm.epochs) });
}

/** The same, complete. */
export function pretrainConfig(group: Group, arm: Arm, seed: number): Config {
  return resolveConfig(pretrainSettings(group, arm, seed));
}

/** Longer or shorter training; the warm-up changes in proportion. */
export function stretched(
  training: { readonly epochs: number; readonly warmupEpochs: number },
  epochs: number,
): { epochs: number; warmupEpochs: number } {
  const { warmupEpochs } = training;
  if (epochs === training.epochs) return { epochs, warmupEpochs };
  return { epochs, warmupEpochs: (warmupEpochs * epochs) / training.epochs };
}

/** Arms start from random weights, judges from the arms' results. */
export function requireOwnStart({ from }: { readonly from?: string | undefined }): void {
  if (from) throw new ConfigError(`from must be left to the study, got "${from}"`);
}

/** Arms are compared by whole epochs. */
export function requireEpochs(maxSteps: number): void {
  if (maxSteps > 0)
    throw new ConfigError(`training.maxSteps must be 0 in a study, which counts epochs, got ${maxSteps}`);
}
