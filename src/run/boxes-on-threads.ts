import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ImageInputs, LearnJob } from '../detect/learn.ts';
import { workerScript } from '../io/worker-script.ts';

const script = workerScript(import.meta.url, 'boxes-worker');
const THREADS = Math.min(16, availableParallelism());

interface Pending {
  resolve(inputs: ImageInputs): void;
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
        reject(new Error(`a thread that chooses boxes has ended: ${reason}`));
      this.pending.clear();
    };
    this.#worker.on('message', ({ id, inputs }: { id: number; inputs: ImageInputs }) => {
      const { resolve } = this.pending.get(id)!;
      this.pending.delete(id);
      if (this.pending.size === 0) this.#worker.unref();
      resolve(inputs);
    });
    this.#worker.on('error', (error) => fail(error.message));
    this.#worker.on('exit', (code) => fail(`exit code ${code}`));
    this.#worker.unref(); // alone it keeps no process alive
  }

  run(job: LearnJob): Promise<ImageInputs> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, job });
    });
  }
}

let threads: Thread[] = [];

/** `inputsOf` on the thread that has least to do. Rejects when the thread dies. */
export function inputsOnThread(job: LearnJob): Promise<ImageInputs> {
  while (threads.length < THREADS) threads.push(new Thread());
  const [first, ...others] = threads as [Thread, ...Thread[]];
  return others.reduce((a, b) => (b.pending.size < a.pending.size ? b : a), first).run(job);
}
