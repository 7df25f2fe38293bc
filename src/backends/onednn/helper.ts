import { parentPort, workerData } from 'node:worker_threads';
import type { HelperData } from './crew.ts';
import { type Job, parts } from './jobs.ts';
import { loadLibrary } from './library.ts';
import { memoryAt } from './memory.ts';

const { part, count, done } = workerData as HelperData;
const view = memoryAt(await loadLibrary());

parentPort!.on('message', (job: Job) => {
  try {
    parts(job, part, count, view);
  } catch {
    Atomics.add(done, 1, 1);
  }
  Atomics.add(done, 0, 1);
  Atomics.notify(done, 0);
});
