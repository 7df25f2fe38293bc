import { parentPort, workerData } from 'node:worker_threads';
import type { HelperData } from './crew.ts';
import { type Entry, type Job, Part } from './jobs.ts';
import { loadLibrary } from './library.ts';

const { part: number, count, file, done } = workerData as HelperData;
const part = new Part(number, count, await loadLibrary([file]));

parentPort!.on('message', (order: Entry | Job) => {
  try {
    if ('items' in order) return part.enter(order);
    part.do(order);
  } catch {
    Atomics.add(done, 1, 1);
  }
  Atomics.add(done, 0, 1);
  Atomics.notify(done, 0);
});
