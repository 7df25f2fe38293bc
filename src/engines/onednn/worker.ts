import { parentPort, workerData } from 'node:worker_threads';
import { loadLibrary } from './library.ts';
import { type Entry, type Task, WorkerSlice } from './tasks.ts';
import type { WorkerData } from './thread-pool.ts';

const { index, count, file, done } = workerData as WorkerData;
const slice = new WorkerSlice(index, count, await loadLibrary([file]));

parentPort!.on('message', (message: Entry | Task) => {
  try {
    if ('items' in message) return slice.enter(message);
    slice.run(message);
  } catch {
    Atomics.add(done, 1, 1);
  }
  Atomics.add(done, 0, 1);
  Atomics.notify(done, 0);
});
