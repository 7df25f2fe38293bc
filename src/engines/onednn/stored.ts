import type { TensorData, Values } from '../../graph/tensor.ts';
import type { Profile } from './profile.ts';

/** A tensor outside of JavaScript's heap. */
export interface Stored {
  readonly address: bigint;
  readonly data: TensorData;
}

/** A program whose calls have their addresses. */
export interface Prepared {
  readonly calls: readonly (() => void)[];
  readonly profile: Profile;
  readonly given: ReadonlyMap<string, Stored>;
  readonly outputs: ReadonlyMap<string, Stored>;
}

/** An engine, as its training steps use it. */
export interface EngineMemory {
  /** Runs a program; its outputs stay until another one runs. */
  execute(program: number, inputs: Values): Prepared;
  prepared(program: number): Prepared;
  /** The state's tensor of a name. */
  stored(name: string): Stored;
  /** Where outputs of several micro-batches are added up; the same place when asked again. */
  sum(name: string, length: number): Stored;
}
