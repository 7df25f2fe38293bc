import { type Answer, answer, type Message } from '../host/requests.ts';
import type { Engine } from './engine.ts';
import type { Requests } from './messages.ts';

/**
 * What a worker, of Node or of a page, does with a message: the answer to post, and buffers to move to the other thread
 * rather than copy.
 */
export async function serve(
  engine: Engine,
  message: Message<Requests>,
): Promise<{ answer: Answer; moved: ArrayBuffer[] }> {
  const { id, value, error } = await answer<Requests>(engine, message);
  if (error === undefined) return { answer: { id, value }, moved: arraysOf(value) };
  return { answer: { id, error: `the onnx engine failed: ${error}` }, moved: [] };
}

/** Buffers of a record of arrays, each once. */
function arraysOf(value: unknown): ArrayBuffer[] {
  const buffers = Object.values(value ?? {}).flatMap((data) =>
    ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer ? [data.buffer] : [],
  );
  return [...new Set(buffers)];
}
