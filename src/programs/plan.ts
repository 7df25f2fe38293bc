import type { Config } from '../config/schema.ts';
import type { Parameter, TrainingPlan } from '../engines/engine.ts';
import type { Program } from '../graph/index.ts';
import { adamw } from '../optim/adamw.ts';

/** How weights are trained by AdamW as the settings say. @param gradients a program that yields them, and what `state` names @param midway see `TrainingPlan` */
export function trainingPlan(
  {
    beta1,
    beta2,
    epsilon,
    clip,
    ema = 0,
  }: Pick<Config['training'], 'beta1' | 'beta2' | 'epsilon' | 'clip'> & { readonly ema?: number },
  gradients: Program,
  parameters: readonly Parameter[],
  state?: TrainingPlan['state'],
  midway?: Program,
): TrainingPlan {
  const rule = adamw({ beta1, beta2, epsilon, ema });
  return {
    ...{ gradients, parameters, rule },
    ...(clip > 0 && { clip }),
    ...(state && { state }),
    ...(midway && { midway }),
  };
}
