import { type Answer, answer, type Message } from '../host/requests.ts';
import { TaskQueue } from '../host/task-queue.ts';
import type { EngineHost } from './engine-host.ts';
import type { Requests } from './messages.ts';

export interface Reply {
  /** The message to post. */
  readonly answer: Answer;
  /** Buffers to transfer instead of copying. */
  readonly moved: ArrayBuffer[];
}

/** A worker's message handler, in Node or in a page. Answers one request at a time, in order. */
export function server(engine: EngineHost): (message: Message<Requests>) => Promise<Reply> {
  const queue = new TaskQueue();
  return (message) => queue.add(() => reply(engine, message));
}

async function reply(engine: EngineHost, message: Message<Requests>): Promise<Reply> {
  const { id, value, error } = await answer<Requests>(engine, message);
  if (error === undefined) return { answer: { id, value }, moved: arraysOf(value) };
  return { answer: { id, error: `the onnx engine failed: ${error}` }, moved: [] };
}

/** Distinct buffers of a record of arrays. */
function arraysOf(value: unknown): ArrayBuffer[] {
  const buffers = Object.values(value ?? {}).flatMap((data) =>
    ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer ? [data.buffer] : [],
  );
  return [...new Set(buffers)];
}
