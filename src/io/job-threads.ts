import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** Threads of a pool: as many as there are processors, up to 16 (each takes some 40 MB). */
export const THREADS = Math.min(16, availableParallelism());

/** A message to a thread, which answers with `JobAnswer`. */
export interface JobMessage<Job> {
  readonly id: number;
  readonly job: Job;
}

export interface JobAnswer<Result> {
  readonly id: number;
  readonly result: Result;
}

interface Pending<Result> {
  resolve(result: Result): void;
  reject(error: Error): void;
}

/** Threads of one script that are given jobs; started with the first one. Idle, they keep no process alive. */
export class JobThreads<Job, Result> {
  readonly #script: URL;
  readonly #error: (reason: string) => Error;
  #threads: Thread<Job, Result>[] = [];

  /**
   * @param script of the threads, as `workerScript` names it
   * @param error that the jobs of a thread reject with when it dies
   */
  constructor(script: URL, error: (reason: string) => Error) {
    this.#script = script;
    this.#error = error;
  }

  /** Gives a job to the thread that has least to do. Rejects when the thread dies. */
  run(job: Job): Promise<Result> {
    while (this.#threads.length < THREADS) this.#threads.push(this.#start());
    const [first, ...others] = this.#threads as [Thread<Job, Result>, ...Thread<Job, Result>[]];
    return others.reduce((a, b) => (b.jobs < a.jobs ? b : a), first).run(job);
  }

  #start(): Thread<Job, Result> {
    const thread = new Thread<Job, Result>(this.#script, this.#error, () => {
      this.#threads = this.#threads.filter((other) => other !== thread);
    });
    return thread;
  }
}

class Thread<Job, Result> {
  readonly #pending = new Map<number, Pending<Result>>();
  readonly #worker: Worker;
  #next = 0;

  constructor(script: URL, error: (reason: string) => Error, ended: () => void) {
    this.#worker = new Worker(script);
    const fail = (reason: string) => {
      ended();
      for (const { reject } of this.#pending.values()) reject(error(reason));
      this.#pending.clear();
    };
    this.#worker.on('message', ({ id, result }: JobAnswer<Result>) => {
      const { resolve } = this.#pending.get(id)!;
      this.#pending.delete(id);
      if (this.jobs === 0) this.#worker.unref();
      resolve(result);
    });
    this.#worker.on('error', (cause) => fail(cause.message));
    this.#worker.on('exit', (code) => fail(`exit code ${code}`));
    this.#worker.unref(); // alone it keeps no process alive
  }

  /** Number of jobs that it has not answered. */
  get jobs(): number {
    return this.#pending.size;
  }

  run(job: Job): Promise<Result> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, job } satisfies JobMessage<Job>);
    });
  }
}
