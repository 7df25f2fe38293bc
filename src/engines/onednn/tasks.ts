import { addInto, kernels, sumOfSquares } from '../host/kernels.ts';
import type { Library } from './library.ts';
import { HUGE_PAGE, memoryAt, populateAt } from './memory.ts';

/** Arrays of equal length, by address. */
export interface Arrays {
  readonly addresses: readonly bigint[];
  readonly length: number;
}

/** A weight, its gradient and slots, with the kernel of their update rule. */
export interface Updated extends Arrays {
  readonly kernel: string;
  readonly attributes: Readonly<Record<string, number>>;
}

/**
 * Arrays registered with every thread in advance. A task refers to them by index, so a step allocates almost nothing.
 */
export interface Entry {
  readonly items: readonly (Arrays | Updated)[];
  /** Sums over the first arrays, one per slice: sums[item · slices + slice] */
  readonly sums: Float64Array;
}

/** An elementwise task on the arrays of an entry, divided among threads. */
export type Task =
  | /** Populates pages of memory */ {
      readonly kind: 'populate';
      readonly blocks: readonly Block[];
    }
  | ArrayTask;

export interface Block {
  readonly address: bigint;
  readonly bytes: number;
}

type ArrayTask = { readonly entry: number } & (
  | /** Σ x² of the first array of each item */ { readonly kind: 'squares' }
  | /** The first array += the second */ { readonly kind: 'add' }
  | { readonly kind: 'update'; readonly scalars: Readonly<Record<string, number>> }
);

type ViewAt = ReturnType<typeof memoryAt>;

/** Floats per cache line. Slices begin and end at cache lines. */
const LINE = 16;

/** One thread's slice of all tasks. */
export class WorkerSlice {
  readonly #index: number;
  readonly #count: number;
  readonly #view: ViewAt;
  readonly #populate: (address: bigint, bytes: number) => void;
  readonly #entries: { readonly entry: Entry; readonly arrays: readonly Float32Array[][] }[] = [];

  constructor(index: number, count: number, library: Library) {
    this.#index = index;
    this.#count = count;
    this.#view = memoryAt(library);
    this.#populate = populateAt(library);
  }

  /** Registers the next entry. */
  enter(entry: Entry): void {
    const arrays = entry.items.map(({ addresses, length }) => {
      const share = Math.ceil(length / this.#count / LINE) * LINE;
      const [start, end] = [this.#index, this.#index + 1].map((i) => Math.min(i * share, length));
      return addresses.map((address) => this.#view(address, length).subarray(start, end));
    });
    this.#entries.push({ entry, arrays });
  }

  run(task: Task): void {
    if (task.kind === 'populate') {
      for (const { address, bytes } of task.blocks) {
        const share = Math.ceil(bytes / this.#count / HUGE_PAGE) * HUGE_PAGE;
        const start = this.#index * share;
        if (start < bytes) this.#populate(address + BigInt(start), Math.min(share, bytes - start));
      }
      return;
    }
    const { entry, arrays } = this.#entries[task.entry]!;
    for (const [i, item] of entry.items.entries()) {
      const [first, second, ...rest] = arrays[i] as [Float32Array, Float32Array, ...Float32Array[]];
      if (task.kind === 'squares') entry.sums[i * this.#count + this.#index] = sumOfSquares(first);
      else if (task.kind === 'add') addInto(first, second);
      else {
        const { kernel, attributes } = item as Updated;
        kernels[kernel]!(first, second, rest, task.scalars, attributes);
      }
    }
  }
}
