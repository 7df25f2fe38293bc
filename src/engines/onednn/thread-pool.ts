import { Worker } from 'node:worker_threads';
import type { Library } from './library.ts';
import { type Entry, type Task, WorkerSlice } from './tasks.ts';

/** Start data of a worker thread. */
export interface WorkerData {
  readonly index: number;
  readonly count: number;
  /** oneDNN's library. */
  readonly file: string;
  /** Counters shared by all workers: finished tasks, failed tasks. */
  readonly done: Int32Array;
}

/**
 * Worker threads for loops over arrays outside of JavaScript's heap. Each thread processes its slice of every array.
 * oneDNN has its own threads; these run only the loops of this engine.
 */
export class ThreadPool {
  readonly #workers: readonly Worker[];
  readonly #done = new Int32Array(new SharedArrayBuffer(8));
  readonly #slice: WorkerSlice;
  readonly #sums: Float64Array[] = [];

  constructor(library: Library, threads: number) {
    this.#slice = new WorkerSlice(0, threads, library);
    this.#workers = Array.from({ length: threads - 1 }, (_, i) => {
      const workerData: WorkerData = { index: i + 1, count: threads, file: library.file, done: this.#done };
      const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData });
      worker.unref();
      return worker;
    });
  }

  /** Registers arrays with all threads. Returns the index that tasks refer to. */
  enter(items: Entry['items']): number {
    const sums = new Float64Array(new SharedArrayBuffer(8 * this.#threads * items.length));
    const entry: Entry = { items, sums };
    for (const worker of this.#workers) worker.postMessage(entry);
    this.#slice.enter(entry);
    return this.#sums.push(sums) - 1;
  }

  /** Σ x² of each item's first array, in double precision. NaN or infinite if and only if a value is. */
  sumsOfSquares(entry: number): number[] {
    this.run({ kind: 'squares', entry });
    const sums = this.#sums[entry]!;
    return Array.from({ length: sums.length / this.#threads }, (_, i) =>
      sums.subarray(i * this.#threads, (i + 1) * this.#threads).reduce((sum, x) => sum + x, 0),
    );
  }

  /** Runs a task on all threads and waits for all slices. */
  run(task: Task): void {
    const before = Atomics.load(this.#done, 0);
    for (const worker of this.#workers) worker.postMessage(task);
    this.#slice.run(task);
    for (;;) {
      const now = Atomics.load(this.#done, 0);
      if (now - before === this.#workers.length) break;
      Atomics.wait(this.#done, 0, now);
    }
    if (Atomics.load(this.#done, 1) > 0) throw new Error(`a worker thread failed its slice of ${task.kind}`);
  }

  get #threads(): number {
    return this.#workers.length + 1;
  }
}
