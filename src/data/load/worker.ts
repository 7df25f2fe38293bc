import { parentPort } from 'node:worker_threads';
import { makeViews, type ViewJob } from './view-job.ts';

// A thread that makes views; see thread-pool.ts.
parentPort!.on(
  'message',
  async ({ id, job, memory }: { id: number; job: ViewJob; memory: SharedArrayBuffer }) => {
    const results = await makeViews(job, new Uint8Array(memory));
    parentPort!.postMessage({ id, results });
  },
);
