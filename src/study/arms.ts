import type { FinetuneInput } from '../config/finetune-schema.ts';
import type { LinprobeInput } from '../config/linprobe-schema.ts';
import { mergeSettings } from '../config/merge.ts';
import { mergeConfig } from '../config/overrides.ts';
import { resolveConfig } from '../config/recipes.ts';
import type { Config, ConfigInput } from '../config/schema.ts';

/** The task of an arm that is not pre-trained. */
export const SCRATCH = 'scratch';

/** The quantity that arms have in common: the epochs of pre-training and fine-tuning, or the operations of both together. */
export type Budget = 'steps' | 'compute';
export const budgets: readonly Budget[] = ['steps', 'compute'];

/** The parts of a study that judge a model. */
export type Judge = 'knn' | 'linear' | 'finetune';
export const judges: readonly Judge[] = ['knn', 'linear', 'finetune'];

/** One of the models that are compared, over its seeds. */
export interface Arm {
  readonly name: string;
  /** A task, or `SCRATCH`. */
  readonly task: string;
  readonly settings?: ConfigInput | undefined;
  readonly finetune?: FinetuneInput | undefined;
  readonly seeds: readonly number[];
  readonly epochs?: number | undefined;
  readonly judges: readonly Judge[];
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

/** Settings of an arm's fine-tuning: on the images of pre-training, and on its engine unless they name one. */
export function finetuneSettings(group: Group, arm: Arm, given: FinetuneInput): FinetuneInput {
  const { source, trainImages, heldOut } = pretrainConfig(group, arm, 0).data;
  const { engine = {} } = mergeConfig(group.pretrain, arm.settings ?? {});
  const data = { source, trainImages, heldOut };
  return mergeSettings({ engine }, given, arm.finetune ?? {}, { data }) as FinetuneInput;
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
