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

/** Name in the model of a program's output, which may share its own with an input. */
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
}

/** What the engine does on request; each answers with a value or an error. */
export interface Requests {
  start: {
    take: { threads: number; native: boolean };
    give: Pick<Runtime, 'native' | 'version' | 'failure'>;
  };
  /** Adds tensors to the state, or overwrites them. */
  write: { take: Values; give: undefined };
  /** Copies of state tensors. */
  read: { take: readonly string[]; give: Values };
  /** @param profiled whether onnxruntime's profiler watches it */
  compile: { take: { program: number; compiled: CompiledProgram; profiled?: boolean }; give: undefined };
  run: { take: { program: number; inputs: Values }; give: Values };
  step: { take: StepOrder; give: StepResult };
  /** Joins the ranks that train together. */
  join: { take: CollectiveModule; give: undefined };
  /** Leaves them. */
  leave: { take: undefined; give: undefined };
  /** What the profiler saw of the programs that it watched; it then stops. */
  profile: { take: undefined; give: readonly Timing[] };
}

export type Request = {
  [K in keyof Requests]: { readonly kind: K; readonly take: Requests[K]['take'] };
}[keyof Requests];
