import { readSync } from 'node:fs';
import type { ArrayInfo } from '../../graph/program.ts';
import type { TensorData, Values } from '../../graph/tensor.ts';
import { infoOf } from '../host/state.ts';
import type { Request } from './messages.ts';
import { bytesOf } from './view.ts';

/** File descriptor of the pipe for arrays in the engine's process. */
export const ARRAYS = 4;

/**
 * A request without its arrays. The arrays go through a pipe into memory that is reused. In messages they would
 * become megabytes of garbage per step in the engine's process, which could wait for a full collection.
 */
export interface Packet {
  /** The request with empty lists of arrays. */
  readonly request: Request;
  /** Types and lengths of the arrays in the pipe, list by list. */
  readonly lists: readonly Readonly<Record<string, ArrayInfo>>[];
}

function listsOf(request: Request): readonly Values[] {
  if (request.kind === 'write') return [request.take];
  if (request.kind === 'run') return [request.take.inputs];
  return request.kind === 'step' ? request.take.batches : [];
}

/** The request with its lists of arrays replaced. */
function withLists(request: Request, lists: readonly Values[]): Request {
  if (request.kind === 'write') return { kind: 'write', take: lists[0]! };
  if (request.kind === 'run') return { kind: 'run', take: { ...request.take, inputs: lists[0]! } };
  if (request.kind === 'step') return { kind: 'step', take: { ...request.take, batches: lists } };
  return request;
}

/** Splits a request into a message and the arrays for the pipe (copies). */
export function pack(request: Request): { packet: Packet; arrays: readonly Uint8Array[] } {
  const lists = listsOf(request);
  const entries = lists.map((list) => Object.entries(list));
  return {
    packet: {
      request: withLists(
        request,
        lists.map(() => ({})),
      ),
      lists: entries.map((list) => Object.fromEntries(list.map(([name, data]) => [name, infoOf(data)]))),
    },
    arrays: entries
      .flat()
      .map(([, { buffer, byteOffset, byteLength }]) =>
        new Uint8Array(buffer, byteOffset, byteLength).slice(),
      ),
  };
}

/** Alignment of arrays in the inbox, in bytes. */
const ALIGNMENT = 8;

/** Receiving end of the pipe. */
export class Inbox {
  readonly #pipe: number;
  #memory = new ArrayBuffer(0);

  /** @param pipe its file descriptor */
  constructor(pipe: number) {
    this.#pipe = pipe;
  }

  /** The request with its arrays, which the next request overwrites; undefined if the sender has ended. */
  unpack({ request, lists }: Packet): Request | undefined {
    let size = 0;
    const placed = lists.map((list) =>
      Object.entries(list).map(([name, info]) => {
        const [start, bytes] = [size, info.length * bytesOf(info.dtype)];
        size += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
        return { name, info, start, bytes };
      }),
    );
    if (this.#memory.byteLength < size) this.#memory = new ArrayBuffer(size);
    for (const { start, bytes } of placed.flat())
      if (!this.#read(new Uint8Array(this.#memory, start, bytes))) return undefined;
    const arrays = placed.map((list) =>
      Object.fromEntries(list.map(({ name, info, start }) => [name, this.#array(info, start)])),
    );
    return withLists(request, arrays);
  }

  #read(target: Uint8Array): boolean {
    for (let at = 0; at < target.length; ) {
      const count = readSync(this.#pipe, target, at, target.length - at, null);
      if (count === 0) return false;
      at += count;
    }
    return true;
  }

  #array({ dtype, length }: ArrayInfo, start: number): TensorData {
    const kinds = { f32: Float32Array, i32: Int32Array, u8: Uint8Array };
    return new kinds[dtype](this.#memory, start, length);
  }
}
