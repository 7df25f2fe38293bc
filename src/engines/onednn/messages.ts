import type { Values } from '../../graph/tensor.ts';
import type { CollectiveModule } from '../collective.ts';
import type { StepResult } from '../engine.ts';
import type { Updates } from '../host/updates.ts';
import type { Timing } from '../timing.ts';
import type { Plan } from './instructions.ts';
import type { Precision } from './lower.ts';

export interface StepOrder {
  readonly program: number;
  /** Number of the registered updates. */
  readonly updates: number;
  readonly batches: readonly Values[];
  readonly scalars: Readonly<Record<string, number>>;
  /** See `StepTime.numbers`. */
  readonly numbers: readonly number[] | undefined;
}

/** A step's question in its middle: the outputs of `TrainingPlan.midway` for a micro-batch. */
export interface MidwayQuestion {
  readonly part: number;
  readonly values: Values;
}

/** Asks the caller of a step for the inputs that it makes of values midway. */
export type Asking = (question: MidwayQuestion) => Promise<Values>;

/** Requests to the engine; each gets a value or an error. */
export interface Requests {
  /** Loads oneDNN from the first suitable file. */
  start: {
    take: { threads: number; precision: Precision; files: readonly string[] };
    give: { version: string; file: string };
  };
  /** Adds or overwrites state tensors. */
  write: { take: Values; give: undefined };
  /** Adds float32 tensors of zeros, by length. */
  zeros: { take: Readonly<Record<string, number>>; give: undefined };
  /** Copies of state tensors. */
  read: { take: readonly string[]; give: Values };
  compile: { take: { program: number; plan: Plan }; give: undefined };
  run: { take: { program: number; inputs: Values }; give: Values };
  /** Registers the updates of a plan's weights under a number. */
  updates: { take: { number: number; updates: Updates }; give: undefined };
  step: { take: StepOrder; give: StepResult };
  /** Joins the ranks of a training run, and takes the state of rank 0. */
  join: { take: CollectiveModule; give: undefined };
  /** Sums numbers over all ranks. */
  sumNumbers: { take: readonly number[]; give: readonly number[] };
  /** Leaves the ranks. */
  leave: { take: undefined; give: undefined };
  /** Starts to measure, or returns the times measured so far. */
  profile: { take: undefined; give: readonly Timing[] };
}

export type Request = {
  [K in keyof Requests]: { readonly kind: K; readonly take: Requests[K]['take'] };
}[keyof Requests];
