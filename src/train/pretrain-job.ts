import { microBatchOf } from '../config/rules.ts';
import { trainingPlan } from '../programs/plan.ts';
import { saveCheckpoint } from '../run/checkpoint.ts';
import { pretraining } from '../run/kinds/pretrain.ts';
import type { TrainingJob } from './job.ts';
import { Observer, type ObserverParts } from './observer.ts';

/** Pre-training as the trainer takes it. */
export function pretrainJob(parts: ObserverParts): TrainingJob & { readonly observer: Observer } {
  const { setup, data, randomStart } = parts;
  const { config } = setup;
  const { gradients, parameters, specs } = setup.programs(microBatchOf(config.training));
  const plan = trainingPlan(config.training, gradients, parameters);
  const observer = new Observer(parts);
  return {
    settings: config,
    images: data.train,
    randomStart,
    plan,
    observer,
    views: (options) => setup.trainingViews(data.train, options),
    inputs: setup.inputs,
    save: (path, progress, state) =>
      saveCheckpoint(path, {
        kind: pretraining,
        config,
        progress,
        state,
        parameters: specs,
        slots: plan.rule.slots,
      }),
    atStart: (signal) => observer.atStart(signal),
    atEpoch: (progress, last, signal) => observer.atEpoch(progress, last, signal),
    draw: (step, all) => observer.draw(step, all),
  };
}
