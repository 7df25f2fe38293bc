import { parentPort } from 'node:worker_threads';
import { makeViews, type ViewJob } from './views.ts';

// A thread that makes views; see thread-pool.ts.
parentPort!.on('message', async ({ id, job }: { id: number; job: ViewJob }) => {
  const { view, errors } = await makeViews(job);
  parentPort!.postMessage({ id, view, errors }, [view.buffer as ArrayBuffer]);
});
