import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { DataError } from './error.ts';
import type { ViewJob, ViewResult } from './views.ts';

// Node runs no TypeScript in a worker: from the sources, too, it is the built file that runs.
const script = new URL('../../dist/data/worker.js', import.meta.url);

/** Threads that make views: as many as there are processors, started with the first job, shared by all loaders. */
export const THREADS = availableParallelism();

interface Pending {
  resolve(result: ViewResult): void;
  reject(error: Error): void;
}

class Thread {
  readonly pending = new Map<number, Pending>();
  readonly #worker = new Worker(script);
  #next = 0;

  constructor() {
    const fail = (reason: string) => {
      threads = threads.filter((thread) => thread !== this);
      for (const { reject } of this.pending.values())
        reject(new DataError(`a thread that loads images has ended: ${reason}`));
      this.pending.clear();
    };
    this.#worker.on('message', ({ id, ...result }: { id: number } & ViewResult) => {
      const { resolve } = this.pending.get(id)!;
      this.pending.delete(id);
      if (this.pending.size === 0) this.#worker.unref();
      resolve(result);
    });
    this.#worker.on('error', (error) => fail(error.message));
    this.#worker.on('exit', (code) => fail(`exit code ${code}`));
    this.#worker.unref(); // alone it keeps no process alive
  }

  run(job: ViewJob): Promise<ViewResult> {
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.pending.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, job });
    });
  }
}

let threads: Thread[] = [];

/** Makes views on the thread that has least to do. Rejects with a DataError when that thread dies. */
export function runOnThread(job: ViewJob): Promise<ViewResult> {
  while (threads.length < THREADS) threads.push(new Thread());
  const [first, ...others] = threads as [Thread, ...Thread[]];
  return others.reduce((a, b) => (b.pending.size < a.pending.size ? b : a), first).run(job);
}
