import { Worker } from 'node:worker_threads';
import { type Entry, type Job, Part } from './jobs.ts';
import type { Library } from './library.ts';

/** What a helper thread is started with, and where it tells that it is done. */
export interface HelperData {
  readonly part: number;
  readonly count: number;
  /** oneDNN's library. */
  readonly file: string;
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
  private readonly part: Part;
  private readonly sums: Float64Array[] = [];

  constructor(library: Library, threads: number) {
    this.part = new Part(0, threads, library);
    this.helpers = Array.from({ length: threads - 1 }, (_, i) => {
      const workerData: HelperData = { part: i + 1, count: threads, file: library.file, done: this.done };
      const helper = new Worker(new URL('./helper.js', import.meta.url), { workerData });
      helper.unref();
      return helper;
    });
  }

  /** Tells all threads of arrays, once; returns the number by which jobs name them. */
  enter(items: Entry['items']): number {
    const sums = new Float64Array(new SharedArrayBuffer(8 * this.threads * items.length));
    const entry: Entry = { items, sums };
    for (const helper of this.helpers) helper.postMessage(entry);
    this.part.enter(entry);
    return this.sums.push(sums) - 1;
  }

  /** Σ x² of each item's first array, in double precision. NaN or infinite exactly when a value is. */
  sumsOfSquares(entry: number): number[] {
    this.run({ kind: 'squares', entry });
    const sums = this.sums[entry]!;
    return Array.from({ length: sums.length / this.threads }, (_, i) =>
      sums.subarray(i * this.threads, (i + 1) * this.threads).reduce((sum, x) => sum + x, 0),
    );
  }

  /** Does a job on all threads; returns when every part of it is done. */
  run(job: Job): void {
    const before = Atomics.load(this.done, 0);
    for (const helper of this.helpers) helper.postMessage(job);
    this.part.do(job);
    for (;;) {
      const now = Atomics.load(this.done, 0);
      if (now - before === this.helpers.length) break;
      Atomics.wait(this.done, 0, now);
    }
    if (Atomics.load(this.done, 1) > 0)
      throw new Error(`a helper thread could not do its part of ${job.kind}`);
  }

  private get threads(): number {
    return this.helpers.length + 1;
  }
}
