import { parentPort } from 'node:worker_threads';
import { answer, type Message } from '../host/requests.ts';
import { Engine } from './engine.ts';
import type { Requests } from './messages.ts';

// onnxruntime-node's run blocks the thread it is called on; this is that thread.
const engine = new Engine();

parentPort!.on('message', async (message: Message<Requests>) => {
  const { id, value, error } = await answer<Requests>(engine, message);
  if (error === undefined) parentPort!.postMessage({ id, value }, arraysOf(value));
  else parentPort!.postMessage({ id, error: `the onnx engine failed: ${error}` });
});

/** Buffers of a record of arrays: moved to the other thread rather than copied. */
function arraysOf(value: unknown): ArrayBuffer[] {
  return Object.values(value ?? {}).flatMap((data) =>
    ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : [],
  );
}
