import type { DType, Shape, Values } from '../../graph/tensor.ts';
import type { CollectiveModule } from '../collective.ts';
import type { StepResult } from '../engine.ts';
import type { Updates } from '../host/updates.ts';
import type { Timing } from '../timing.ts';
import type { Runtime } from './runtime.ts';

/** Name, type and shape of a program's input or output. */
export interface Port {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Model name of a program's output. It differs from all input names. */
export const outputValue = (name: string) => `out:${name}`;

export interface CompiledProgram {
  readonly model: Uint8Array;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

export interface StepOrder {
  readonly program: number;
  readonly updates: Updates;
  readonly batches: readonly Values[];
  readonly scalars: Readonly<Record<string, number>>;
  /** See `StepTime.numbers`. */
  readonly numbers: readonly number[] | undefined;
}

/** Requests to the engine; each gets a value or an error. */
export interface Requests {
  start: {
    take: { threads: number; native: boolean };
    give: Pick<Runtime, 'native' | 'version' | 'failure'>;
  };
  /** Adds or overwrites state tensors. */
  write: { take: Values; give: undefined };
  /** Copies of state tensors. */
  read: { take: readonly string[]; give: Values };
  /** @param profiled true if onnxruntime's profiler records it */
  compile: { take: { program: number; compiled: CompiledProgram; profiled?: boolean }; give: undefined };
  /** @param keeps true if a later step needs the outputs of `isKept` */
  run: { take: { program: number; inputs: Values; keeps?: boolean }; give: Values };
  step: { take: StepOrder; give: StepResult };
  /** Joins the ranks of a training run, and takes the state of rank 0. */
  join: { take: CollectiveModule; give: undefined };
  /** Sums numbers over all ranks. */
  sumNumbers: { take: readonly number[]; give: readonly number[] };
  /** Leaves the ranks. */
  leave: { take: undefined; give: undefined };
  /** Times of the profiled programs so far. Stops the profiler. */
  profile: { take: undefined; give: readonly Timing[] };
}

export type Request = {
  [K in keyof Requests]: { readonly kind: K; readonly take: Requests[K]['take'] };
}[keyof Requests];
