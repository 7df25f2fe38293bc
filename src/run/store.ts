import type { Row } from '../io/jsonl-codec.ts';

/**
 * Keeps the files of a run, by names such as `metrics.jsonl` and `checkpoints/best.safetensors`: a folder, the memory, a page's
 * storage. Rejects with the system's error.
 */
export interface RunStore {
  /** Where a file lies, for people and in events; of the empty name, the whole. */
  place(name: string): string;
  /** Names of the files in a folder; none where there is no folder. */
  list(folder: string): Promise<string[]>;
  /** The bytes of a file; undefined where there is none. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Replaces a file in one step. The parts, one after another, are its bytes. */
  write(name: string, parts: readonly ArrayBufferView[]): Promise<void>;
  /** Adds a row to a .jsonl file, which is made where there is none. */
  append(name: string, row: Row): Promise<void>;
  /** Removes a file, if it is there. */
  remove(name: string): Promise<void>;
}

/** A store that keeps nothing, for a rank whose run another one writes: it shows which files there are. */
export function silentStore({ place, list }: RunStore): RunStore {
  return {
    place,
    list,
    async read() {
      return undefined;
    },
    async write() {},
    async append() {},
    async remove() {},
  };
}

/** A store in memory. */
export function memoryStore(): RunStore {
  const files = new Map<string, Uint8Array>();
  const join = (parts: readonly ArrayBufferView[]) => {
    const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
    let at = 0;
    for (const { buffer, byteOffset, byteLength } of parts) {
      whole.set(new Uint8Array(buffer, byteOffset, byteLength), at);
      at += byteLength;
    }
    return whole;
  };
  return {
    place: (name) => name,
    async list(folder) {
      const inside = [...files.keys()].filter((name) => name.startsWith(`${folder}/`));
      return inside.map((name) => name.slice(folder.length + 1)).filter((name) => !name.includes('/'));
    },
    read: async (name) => files.get(name)?.slice(),
    async write(name, parts) {
      files.set(name, join(parts));
    },
    async append(name, row) {
      const line = new TextEncoder().encode(`${JSON.stringify(row)}\n`);
      files.set(name, join([files.get(name) ?? new Uint8Array(), line]));
    },
    async remove(name) {
      files.delete(name);
    },
  };
}
