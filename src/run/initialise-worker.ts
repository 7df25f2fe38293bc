import { parentPort, workerData } from 'node:worker_threads';
import { initialise } from '../nn/init.ts';
import type { WorkerTask } from './initialise-on-threads.ts';

// A thread that draws some of a model's first weights; see initialise-on-threads.ts.
const { specs, seed } = workerData as WorkerTask;
const weights = initialise(specs, seed);
const buffers = Object.values(weights).map(({ buffer }) => buffer as ArrayBuffer);
parentPort!.postMessage(weights, buffers);
