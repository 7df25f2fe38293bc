import { parentPort } from 'node:worker_threads';
import { inputsOf, type LearnJob } from '../detect/learn.ts';

// A thread that chooses anchors and boxes to learn from; see boxes-on-threads.ts.
parentPort!.on('message', ({ id, job }: { id: number; job: LearnJob }) => {
  const inputs = inputsOf(job);
  const buffers = Object.values(inputs).map(({ buffer }) => buffer as ArrayBuffer);
  parentPort!.postMessage({ id, inputs }, buffers);
});
