import type { z } from 'zod';
import type { FinetuneConfig } from '../config/finetune-schema.ts';
import { finetuneSchema, parseFinetuneConfig } from '../config/finetune-schema.ts';
import { type Config, configSchema, parseConfig } from '../config/schema.ts';

/** A kind of training: what its settings are, and what its files say of themselves. */
export interface RunKind<C extends RunConfig> {
  /** In `config.json`, where it is not pre-training; also the command. */
  readonly name: 'pretrain' | 'finetune';
  /** What its checkpoints hold, in their metadata. */
  readonly checkpoint: 'pretrain' | 'classifier';
  readonly schema: z.ZodType;
  /** Completes and checks settings. Throws ConfigError. */
  parse(input: unknown): C;
  /**
   * Settings that may change when a run goes on: they say how long, how watched, in what parts and by what, not what is trained.
   */
  readonly changeable: readonly RegExp[];
}

/** The settings that all kinds have. */
export type RunConfig = Pick<
  Config,
  'recipe' | 'seed' | 'from' | 'data' | 'training' | 'checkpoints' | 'engine'
> & {
  /** Of pre-training. */
  readonly task?: Config['task'];
};

const always = [
  /^training\.(epochs|maxSteps|microBatch|learningRate|minLearningRate|clip|nonFinite)$/,
  /^(checkpoints|evaluation|engine)\./,
];

export const pretraining: RunKind<Config> = {
  name: 'pretrain',
  checkpoint: 'pretrain',
  schema: configSchema,
  parse: parseConfig,
  changeable: [...always, /^data\.source$/],
};

export const finetuning: RunKind<FinetuneConfig> = {
  name: 'finetune',
  checkpoint: 'classifier',
  schema: finetuneSchema,
  parse: parseFinetuneConfig,
  changeable: [...always, /^data\.(source|test)$/],
};
