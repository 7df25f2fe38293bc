import { parentPort } from 'node:worker_threads';
import { Engine } from './engine.ts';
import type { Request } from './messages.ts';

// onnxruntime-node's run blocks the thread it is called on; this is that thread.
const engine = new Engine();

parentPort!.on('message', async ({ id, request }: { id: number; request: Request }) => {
  try {
    const handle = engine[request.kind].bind(engine) as (take: Request['take']) => Promise<unknown>;
    const value = await handle(request.take);
    parentPort!.postMessage({ id, value }, arraysOf(value));
  } catch (error) {
    parentPort!.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
});

/** Buffers of a record of arrays: moved to the other thread rather than copied. */
function arraysOf(value: unknown): ArrayBuffer[] {
  return Object.values(value ?? {}).flatMap((data) =>
    ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : [],
  );
}
