import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { workerScript } from '../../io/worker-script.ts';
import { DataError } from '../error.ts';
import { sampleBytes, type ViewJob, type ViewResults } from './view-job.ts';

const script = workerScript(import.meta.url, 'worker');

/** Threads that make views: as many as there are processors, up to 16 (each takes some 40 MB), shared by all loaders. */
export const THREADS = Math.min(16, availableParallelism());

interface Pending {
  resolve(results: ViewResults): void;
  reject(error: Error): void;
}

class Thread {
  readonly pending = new Map<number, Pending>();
  readonly #worker = new Worker(script);
  readonly #free: SharedArrayBuffer[] = []; // memory of jobs that are done, to be used again
  #next = 0;

  constructor() {
    const fail = (reason: string) => {
      threads = threads.filter((thread) => thread !== this);
      for (const { reject } of this.pending.values())
        reject(new DataError(`a thread that loads images has ended: ${reason}`));
      this.pending.clear();
    };
    this.#worker.on('message', ({ id, results }: { id: number; results: ViewResults }) => {
      const { resolve } = this.pending.get(id)!;
      this.pending.delete(id);
      if (this.pending.size === 0) this.#worker.unref();
      resolve(results);
    });
    this.#worker.on('error', (error) => fail(error.message));
    this.#worker.on('exit', (code) => fail(`exit code ${code}`));
    this.#worker.unref(); // alone it keeps no process alive
  }

  async run(job: ViewJob, take: (view: Uint8Array) => void): Promise<ViewResults> {
    const bytes = job.sources.length * sampleBytes(job);
    const recycled = this.#free.pop();
    const memory = recycled && recycled.byteLength >= bytes ? recycled : new SharedArrayBuffer(bytes);
    const id = this.#next++;
    const results = await new Promise<ViewResults>((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, job, memory });
    });
    take(new Uint8Array(memory, 0, bytes));
    this.#free.push(memory);
    return results;
  }
}

let threads: Thread[] = [];

/**
 * Makes views on the thread that has least to do. `take` is given them one after another, in memory that is used again
 * afterwards. Rejects with a DataError when the thread dies.
 */
export function runOnThread(job: ViewJob, take: (view: Uint8Array) => void): Promise<ViewResults> {
  while (threads.length < THREADS) threads.push(new Thread());
  const [first, ...others] = threads as [Thread, ...Thread[]];
  return others.reduce((a, b) => (b.pending.size < a.pending.size ? b : a), first).run(job, take);
}
