// Ends while its other thread waits in the C library for a minute, as an engine does in MPI: node waiting-thread.mjs STATUS
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import koffi from 'koffi';
import { endProcess } from '#dist/exports/engines.js';

if (isMainThread) {
  process.on('exit', (status) => console.log('ends with', status));
  await once(new Worker(new URL(import.meta.url)), 'message');
  await setTimeout(200);
  await endProcess(Number(process.argv[2]));
} else {
  const sleep = koffi.load('libc.so.6').func('int sleep(int seconds)');
  parentPort.postMessage('waits');
  sleep(60);
}
