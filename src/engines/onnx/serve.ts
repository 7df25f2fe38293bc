import { type Answer, answer, type Message } from '../host/requests.ts';
import { Turns } from '../host/turns.ts';
import type { Engine } from './engine.ts';
import type { Requests } from './messages.ts';

export interface Reply {
  /** To be posted. */
  readonly answer: Answer;
  /** Buffers to move to the other thread rather than copy. */
  readonly moved: ArrayBuffer[];
}

/** A worker's handler of messages, in Node or in a page. Requests are answered one at a time, in order. */
export function server(engine: Engine): (message: Message<Requests>) => Promise<Reply> {
  const turns = new Turns();
  return (message) => turns.take(() => reply(engine, message));
}

async function reply(engine: Engine, message: Message<Requests>): Promise<Reply> {
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
