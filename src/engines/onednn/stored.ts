import type { TensorData, Values } from '../../graph/tensor.ts';
import type { Profile } from './profile.ts';

/** A tensor outside of JavaScript's heap. */
export interface Stored {
  readonly address: bigint;
  readonly data: TensorData;
}

/** A program whose calls have fixed addresses. */
export interface Prepared {
  readonly calls: readonly (() => void)[];
  readonly profile: Profile;
  readonly feeds: ReadonlyMap<string, Stored>;
  readonly outputs: ReadonlyMap<string, Stored>;
  /** See `Plan.midway`. */
  readonly midway?: { readonly at: number; readonly outputs: ReadonlyMap<string, Stored> };
}

/** Memory and programs of an engine, for its training steps. */
export interface EngineMemory {
  /** Runs a program. Its outputs stay valid until the next run. */
  execute(program: number, inputs: Values): Prepared;
  /** The same for a program that waits midway. @param complete makes the inputs that are missing until then */
  executeInHalves(
    program: number,
    inputs: Values,
    complete: (values: Values) => Promise<Values>,
  ): Promise<Prepared>;
  prepared(program: number): Prepared;
  /** The state tensor of a name. */
  stored(name: string): Stored;
  /** Buffer for an output summed over micro-batches. Repeated calls return the same buffer. */
  sum(name: string, length: number): Stored;
}
