import type { Values } from '../../graph/tensor.ts';
import type { Collective, FloatArray } from '../collective.ts';
import { gradientName, type StepResult } from '../engine.ts';
import { allReduce } from './all-reduce.ts';
import { sumOfSquares } from './kernels.ts';

/** The parts of a training step that an engine supplies. `trainingStep` does the rest. */
export interface StepEngine {
  /**
   * Runs the gradients' program on a micro-batch. The first call, of part 0, sets the sums of gradients and state outputs, later calls add to
   * them. Returns the metrics.
   */
  accumulate(
    batch: Values,
    part: number,
  ): Readonly<Record<string, number>> | Promise<Readonly<Record<string, number>>>;
  /** The sums: one gradient for each weight, then the state outputs. */
  sums(): { readonly gradients: readonly FloatArray[]; readonly state: readonly FloatArray[] };
  /**
   * Cumulative Σ x² over the gradients, in double precision; not finite from the first gradient that has such a
   * value.
   */
  runningSquares(): readonly number[];
  /** Overwrites a state tensor. */
  overwrite(name: string, values: FloatArray): void;
  /**
   * Updates all weights. @param scalars the rule's scalars, and `scale`, which multiplies the sums of gradients first
   */
  update(scalars: Readonly<Record<string, number>>): void | Promise<void>;
}

export interface StepOrder {
  readonly batches: readonly Values[];
  /** Names of the weights, in the order of their gradients. */
  readonly weights: readonly string[];
  /** See `TrainingPlan.state`; in the order of the state outputs. */
  readonly state: Readonly<Record<string, string>>;
  readonly clip: number | undefined;
  /** The update rule's scalars for this step. */
  readonly scalars: Readonly<Record<string, number>>;
  /** See `StepTime.numbers`. */
  readonly numbers?: readonly number[] | undefined;
}

/**
 * accumulate → all-reduce → norm, finite check, clip → apply. Means are over all micro-batches of all ranks, with
 * equal weights.
 */
export async function trainingStep(
  engine: StepEngine,
  { batches, weights, state, clip, scalars, numbers = [] }: StepOrder,
  collective?: Collective | undefined,
): Promise<StepResult> {
  const from = performance.now();
  const total = batches.length * (collective?.size ?? 1);
  const metrics: Record<string, number> = {};
  for (const [i, batch] of batches.entries())
    for (const [name, value] of Object.entries(await engine.accumulate(batch, i)))
      metrics[name] = (metrics[name] ?? 0) + value / total;
  const sums = engine.sums();
  const all = [...sums.gradients, ...sums.state];
  const milliseconds = performance.now() - from;
  const count = batches.length;
  const summed =
    collective && (await allReduce(collective, { sums: all, metrics, count, numbers, milliseconds }));

  const squares = engine.runningSquares();
  const gradientNorm = Math.sqrt(squares.at(-1) ?? 0) / total;
  const nonFinite =
    Object.keys(metrics).find((name) => !Number.isFinite(metrics[name])) ??
    weights.map(gradientName).find((_, i) => !Number.isFinite(squares[i])) ??
    Object.keys(state).find((_, i) => !Number.isFinite(sumOfSquares(sums.state[i]!)));
  if (nonFinite !== undefined) return { metrics, gradientNorm, nonFinite, ...summed };

  Object.values(state).forEach((name, i) => {
    engine.overwrite(name, divide(sums.state[i]!, total));
  });
  await engine.update({ ...scalars, scale: clipScale(gradientNorm, clip) / total });
  return { metrics, gradientNorm, ...summed };
}

/** Keeps the ratio finite for a norm of 0, as in torch.nn.utils.clip_grad_norm_. */
export const CLIP_EPSILON = 1e-6;

/** min(1, clip / (norm + ε)): the factor that clips gradients of this norm. */
function clipScale(norm: number, clip: number | undefined): number {
  return clip === undefined ? 1 : Math.min(1, clip / (norm + CLIP_EPSILON));
}

/** Divides in place. */
function divide(x: FloatArray, by: number): FloatArray {
  if (by !== 1) for (let i = 0; i < x.length; i++) x[i] = x[i]! / by;
  return x;
}

/** Cumulative sums. */
export function runningSums(numbers: readonly number[]): number[] {
  let sum = 0;
  return numbers.map((x) => {
    sum += x;
    return sum;
  });
}
