import type { Parameter, TrainingPlan } from '../backends/backend.ts';
import type { Config } from '../config/schema.ts';
import type { Program } from '../graph/index.ts';
import { adamw } from '../optim/adamw.ts';

/** How weights are trained by AdamW as the settings say. @param gradients a program that yields them */
export function trainingPlan(
  { beta1, beta2, epsilon, clip }: Pick<Config['training'], 'beta1' | 'beta2' | 'epsilon' | 'clip'>,
  gradients: Program,
  parameters: readonly Parameter[],
): TrainingPlan {
  const rule = adamw({ beta1, beta2, epsilon });
  return { gradients, parameters, rule, ...(clip > 0 && { clip }) };
}
