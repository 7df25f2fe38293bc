import { parentPort } from 'node:worker_threads';
import { answer, type Message } from '../host/requests.ts';
import { Turns } from '../host/turns.ts';
import { Engine } from './engine.ts';
import type { Requests } from './messages.ts';

// onnxruntime-node's run blocks the thread it is called on; this is that thread.
const engine = new Engine();
const turns = new Turns();

parentPort!.on('message', (message: Message<Requests>) => turns.take(() => respond(message)));

async function respond(message: Message<Requests>): Promise<void> {
  const { id, value, error } = await answer<Requests>(engine, message);
  if (error === undefined) parentPort!.postMessage({ id, value }, arraysOf(value));
  else parentPort!.postMessage({ id, error: `the onnx engine failed: ${error}` });
}

/** Buffers of a record of arrays: moved to the other thread rather than copied. */
function arraysOf(value: unknown): ArrayBuffer[] {
  return Object.values(value ?? {}).flatMap((data) =>
    ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : [],
  );
}
