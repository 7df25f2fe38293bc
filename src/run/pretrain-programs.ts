import type { Config } from '../config/schema.ts';
import type { Batch } from '../data/load/batch.ts';
import type { Values } from '../graph/index.ts';
import type { AutoencoderConfig } from '../models/config.ts';
import { type PretrainPrograms, pretrainPrograms } from '../programs/pretrain.ts';
import { drawBatch } from '../tasks/draws.ts';
import { type OwnTasks, withOwnTarget } from '../tasks/own.ts';
import { taskOf } from '../tasks/table.ts';
import type { PretextTask } from '../tasks/task.ts';

/** The programs of settings of pre-training, and their inputs. */
export interface ProgramSetup {
  readonly config: Config;
  readonly task: PretextTask;
  /** That of the settings, with a target of the user's own as an object. */
  readonly model: AutoencoderConfig;
  /** Programs that take `batch` images; the same object for the same number. */
  programs(batch: number): PretrainPrograms;
  /** Inputs of a program of the task: views and the task's draws, from each image's own stream. */
  inputs(batch: Batch): Values;
}

/** Throws RangeError where sizes, task and model do not fit each other. */
export function programSetup(config: Config, own: OwnTasks = {}): ProgramSetup {
  const { data } = config;
  const task = taskOf(config.task, own);
  const model = withOwnTarget<AutoencoderConfig>(config.model, own.targets);
  const made = new Map<number, PretrainPrograms>();
  return {
    config,
    task,
    model,
    programs(batch) {
      const programs =
        made.get(batch) ??
        pretrainPrograms({
          ...{ model, task, batch, mean: data.mean, std: data.std },
          maskRatio: config.task.maskRatio,
          weightDecay: config.training.weightDecay,
        });
      made.set(batch, programs);
      return programs;
    },
    inputs: ({ view, rngs }) => ({ view, ...drawBatch(task, model, rngs) }),
  };
}
