import { parentPort } from 'node:worker_threads';
import { inputsOf, type LearnJob } from '../detect/learn.ts';
import type { JobMessage } from '../io/job-threads.ts';

// A thread that chooses anchors and boxes to learn from; see boxes-on-threads.ts.
parentPort!.on('message', ({ id, job }: JobMessage<LearnJob>) => {
  const result = inputsOf(job);
  const buffers = Object.values(result).map(({ buffer }) => buffer as ArrayBuffer);
  parentPort!.postMessage({ id, result }, buffers);
});
