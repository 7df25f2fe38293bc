import { Worker } from 'node:worker_threads';
import { type Arrays, type Job, parts } from './jobs.ts';
import type { Library } from './library.ts';
import { memoryAt } from './memory.ts';

/** What a helper thread is started with, and where it tells that it is done. */
export interface HelperData {
  readonly part: number;
  readonly count: number;
  /** Jobs done by all helpers together, and how many of them failed. */
  readonly done: Int32Array;
}

/**
 * Threads that share work over arrays outside of JavaScript's heap: each takes its part of every array. oneDNN has threads of
 * its own; these are for loops that are not oneDNN's.
 */
export class Crew {
  private readonly helpers: readonly Worker[];
  private readonly done = new Int32Array(new SharedArrayBuffer(8));
  private readonly view: (address: bigint, floats: number) => Float32Array;

  constructor(library: Library, threads: number) {
    this.view = memoryAt(library);
    this.helpers = Array.from({ length: threads - 1 }, (_, i) => {
      const workerData: HelperData = { part: i + 1, count: threads, done: this.done };
      const helper = new Worker(new URL('./helper.js', import.meta.url), { workerData });
      helper.unref();
      return helper;
    });
  }

  /** Σ x² of each array, in double precision. NaN or infinite exactly when a value is. */
  sumsOfSquares(items: readonly Arrays[]): number[] {
    const count = this.helpers.length + 1;
    const sums = new Float64Array(new SharedArrayBuffer(8 * count * items.length));
    this.run({ kind: 'squares', items, sums });
    return items.map((_, i) => sums.subarray(i * count, (i + 1) * count).reduce((sum, x) => sum + x, 0));
  }

  /** Does a job on all threads; returns when every part of it is done. */
  run(job: Job): void {
    const before = Atomics.load(this.done, 0);
    for (const helper of this.helpers) helper.postMessage(job);
    parts(job, 0, this.helpers.length + 1, this.view);
    for (;;) {
      const now = Atomics.load(this.done, 0);
      if (now - before === this.helpers.length) break;
      Atomics.wait(this.done, 0, now);
    }
    if (Atomics.load(this.done, 1) > 0)
      throw new Error(`a helper thread could not do its part of ${job.kind}`);
  }
}
