import type { DType, Shape, Values } from '../../graph/tensor.ts';
import type { StepResult } from '../backend.ts';

/** Name, type and shape of a program's input or output. */
export interface Port {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

export interface CompiledProgram {
  readonly model: Uint8Array;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** One weight's update, for the kernel of its rule. */
export interface KernelUpdate {
  readonly kernel: string;
  readonly weight: string;
  readonly slots: readonly string[];
  readonly attributes: Readonly<Record<string, number>>;
}

export interface StepOrder {
  readonly program: number;
  readonly updates: readonly KernelUpdate[];
  readonly batches: readonly Values[];
  readonly scalars: Readonly<Record<string, number>>;
  readonly clip: number | undefined;
}

/** What the engine does on request; each answers with a value or an error. */
export interface Requests {
  start: { take: { threads: number; native: boolean }; give: { native: boolean; version: string } };
  /** Adds tensors to the state, or overwrites them. */
  write: { take: Values; give: undefined };
  /** Copies of state tensors. */
  read: { take: readonly string[]; give: Values };
  compile: { take: { program: number; compiled: CompiledProgram }; give: undefined };
  run: { take: { program: number; inputs: Values }; give: Values };
  step: { take: StepOrder; give: StepResult };
}

export type Request = {
  [K in keyof Requests]: { readonly kind: K; readonly take: Requests[K]['take'] };
}[keyof Requests];
