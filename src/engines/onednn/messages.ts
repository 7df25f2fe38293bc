import type { Values } from '../../graph/tensor.ts';
import type { CollectiveModule } from '../collective.ts';
import type { StepResult } from '../engine.ts';
import type { Updates } from '../host/updates.ts';
import type { Timing } from '../timing.ts';
import type { Plan } from './instructions.ts';
import type { Precision } from './lower.ts';

export interface StepOrder {
  readonly program: number;
  /** Number under which the updates were entered. */
  readonly updates: number;
  readonly batches: readonly Values[];
  readonly scalars: Readonly<Record<string, number>>;
}

/** What the engine does on request; each answers with a value or an error. */
export interface Requests {
  /** Loads oneDNN from the first file that is one. */
  start: {
    take: { threads: number; precision: Precision; files: readonly string[] };
    give: { version: string; file: string };
  };
  /** Adds tensors to the state, or overwrites them. */
  write: { take: Values; give: undefined };
  /** Adds tensors of zeros, float32, by their lengths. */
  zeros: { take: Readonly<Record<string, number>>; give: undefined };
  /** Copies of state tensors. */
  read: { take: readonly string[]; give: Values };
  compile: { take: { program: number; plan: Plan }; give: undefined };
  run: { take: { program: number; inputs: Values }; give: Values };
  /** Enters how the weights of a plan are updated, under a number. */
  updates: { take: { number: number; updates: Updates }; give: undefined };
  step: { take: StepOrder; give: StepResult };
  /** Joins the ranks that train together. */
  join: { take: CollectiveModule; give: undefined };
  /** Leaves them. */
  leave: { take: undefined; give: undefined };
  /** Measures from now on, or tells what was measured. */
  profile: { take: undefined; give: readonly Timing[] };
}

export type Request = {
  [K in keyof Requests]: { readonly kind: K; readonly take: Requests[K]['take'] };
}[keyof Requests];
