import type { Program } from '../../graph/program.ts';
import { GraphError, type Values } from '../../graph/tensor.ts';
import type { Complete, TrainingPlan } from '../engine.ts';

/** Throws GraphError unless a plan with values midway gets a function that makes inputs of them. */
export function requireComplete({ gradients, midway }: TrainingPlan, complete: Complete | undefined): void {
  if (midway && !complete)
    throw new GraphError(
      `steps of "${gradients.name}" take a function that makes inputs of values midway, got none`,
    );
}

/**
 * All inputs of each micro-batch, for an engine that computes the values midway as a separate program, and so twice. While the caller makes
 * inputs of one micro-batch, the engine computes the next.
 * @param run of the engine
 */
export async function completed(
  plan: TrainingPlan,
  batches: readonly Values[],
  complete: Complete | undefined,
  run: (program: Program, inputs: Values) => Values | Promise<Values>,
): Promise<readonly Values[]> {
  const { midway } = plan;
  requireComplete(plan, complete);
  if (!midway) return batches;
  const whole: Promise<Values>[] = [];
  for (const [part, batch] of batches.entries()) {
    const given = Object.entries(batch).filter(([name]) => midway.inputs[name]);
    const made = complete!(await run(midway, Object.fromEntries(given)), part);
    const both = made.then((values) => ({ ...batch, ...values }));
    both.catch(() => {}); // whoever awaits it gets the error
    whole.push(both);
  }
  return Promise.all(whole);
}
