import { JobThreads } from '../../io/job-threads.ts';
import { workerScript } from '../../io/worker-script.ts';
import { DataError } from '../error.ts';
import { sampleBytes, type ViewJob, type ViewResults } from './view-job.ts';

/** Views to make, and the memory for them. */
export interface MemoryJob {
  readonly views: ViewJob;
  readonly memory: SharedArrayBuffer;
}

/** Threads that make views, shared by all loaders. */
const threads = new JobThreads<MemoryJob, ViewResults>(
  workerScript(import.meta.url, 'worker'),
  (reason) => new DataError(`a thread that loads images has ended: ${reason}`),
);

/** Memory of jobs that are done, to be used again. */
const free: SharedArrayBuffer[] = [];

/**
 * Makes views on the thread that has least to do. `take` is given them one after another, in memory that is used again
 * afterwards. Rejects with a DataError when the thread dies.
 */
export async function runOnThread(views: ViewJob, take: (view: Uint8Array) => void): Promise<ViewResults> {
  const bytes = views.sources.length * sampleBytes(views);
  const recycled = free.pop();
  const memory = recycled && recycled.byteLength >= bytes ? recycled : new SharedArrayBuffer(bytes);
  const results = await threads.run({ views, memory });
  take(new Uint8Array(memory, 0, bytes));
  free.push(memory);
  return results;
}
