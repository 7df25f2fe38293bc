import type { DType, Shape, Values } from '../../graph/tensor.ts';
import type { StepResult } from '../engine.ts';
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

/** One weight's update: by the kernel of its operation where there is one, else by a program. */
export interface Update {
  readonly weight: string;
  /** Names of the rule's slots, and of the state tensors that hold this weight's. */
  readonly slots: Readonly<Record<string, string>>;
  readonly by:
    | { readonly kernel: string; readonly attributes: Readonly<Record<string, number>> }
    | { readonly program: number };
}

export interface StepOrder {
  readonly program: number;
  readonly updates: readonly Update[];
  readonly batches: readonly Values[];
  readonly scalars: Readonly<Record<string, number>>;
  readonly clip: number | undefined;
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
  /** What the profiler saw of the programs that it watched; it then stops. */
  profile: { take: undefined; give: readonly Timing[] };
}

export type Request = {
  [K in keyof Requests]: { readonly kind: K; readonly take: Requests[K]['take'] };
}[keyof Requests];
