import type { FloatArray } from '../collective.ts';
import type { Library } from './library.ts';

/** Largest number of elements in a call. MPI counts in 32 bits, and libraries count bytes so in places. */
const SLICE = 2 ** 28;

/** All ranks of a job. The thread that joins makes all calls, which block it. */
export class Communicator {
  readonly rank: number;
  readonly size: number;
  readonly #library: Library;
  readonly #slice: number;
  readonly #sum: (...values: unknown[]) => void;
  readonly #broadcast: (...values: unknown[]) => void;

  /**
   * Joins the other ranks. Throws an Error if this process has joined before.
   * @param slice largest number of elements in a call
   */
  constructor(library: Library, slice: number = SLICE) {
    const { abi, call } = library;
    this.#library = library;
    this.#slice = slice;
    const known: [number] = [0];
    call('Initialized', '_Out_ int *flag')(known);
    if (known[0] !== 0)
      throw new Error(
        'a process can join the ranks of MPI once, got a second session: start a process for each run',
      );
    const level: [number] = [0];
    call('Init_thread', 'void *argc, void *argv, int required, _Out_ int *provided')(
      null,
      null,
      abi.funneled,
      level,
    );
    call('Comm_set_errhandler', 'H comm, H handler')(abi.world, abi.errorsReturn);
    this.rank = this.#number('Comm_rank');
    this.size = this.#number('Comm_size');
    this.#sum = call('Allreduce', 'const void *send, void *receive, int count, H type, H operation, H comm');
    this.#broadcast = call('Bcast', 'void *buffer, int count, H type, int root, H comm');
    if (level[0] < abi.funneled)
      throw new Error(`MPI must work in a program with threads, which ${library.version} does not`);
  }

  /** Replaces an array by its sum over all ranks, in place. */
  sum(array: FloatArray): void {
    const { abi } = this.#library;
    const type = array instanceof Float64Array ? abi.double : abi.float;
    for (let from = 0; from < array.length; from += this.#slice) {
      const part = array.subarray(from, from + this.#slice);
      this.#sum(abi.inPlace, part, part.length, type, abi.sum, abi.world);
    }
  }

  /** Overwrites bytes with those of rank 0. */
  broadcast(bytes: Uint8Array): void {
    const { abi } = this.#library;
    for (let from = 0; from < bytes.length; from += this.#slice) {
      const part = bytes.subarray(from, from + this.#slice);
      this.#broadcast(part, part.length, abi.byte, 0, abi.world);
    }
  }

  /** Ends this process and, through the launcher, all other ranks at once. */
  abort(status: number): void {
    this.#library.call('Abort', 'H comm, int code')(this.#library.abi.world, status);
  }

  /** Leaves the ranks, when all others do so too. */
  leave(): void {
    this.#library.call('Finalize', '')();
  }

  #number(name: 'Comm_rank' | 'Comm_size'): number {
    const result: [number] = [0];
    this.#library.call(name, 'H comm, _Out_ int *result')(this.#library.abi.world, result);
    return result[0];
  }
}
