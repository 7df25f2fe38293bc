import { parentPort } from 'node:worker_threads';
import type { JobMessage } from '../../io/job-threads.ts';
import type { MemoryJob } from './thread-pool.ts';
import { makeViews } from './view-job.ts';

// A thread that makes views; see thread-pool.ts.
parentPort!.on('message', async ({ id, job: { views, memory } }: JobMessage<MemoryJob>) => {
  const result = await makeViews(views, new Uint8Array(memory));
  parentPort!.postMessage({ id, result });
});
