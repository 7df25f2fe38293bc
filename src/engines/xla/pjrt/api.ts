import { setImmediate, setTimeout } from 'node:timers/promises';
import { XlaError } from './error.ts';
import { constants } from './layout.ts';
import {
  type FunctionName,
  type FunctionTable,
  loadKoffi,
  pluginTable,
  prototypes,
  readTable,
  shareHeap,
  tableSize,
} from './library.ts';
import { type Address, copyFrom, type FieldValue, type Koffi, Struct, type StructName } from './struct.ts';

interface Callable {
  (args: Uint8Array): Address | null;
  async(args: Uint8Array, done: (error: unknown, result: Address | null) => void): void;
}

const FEWER = 'Fewer images at once may fit: a lower training.microBatch';

/** The functions of a loaded plugin. Every call is `PJRT_Error* f(PJRT_F_Args*)`; an error becomes an exception. */
export class Api {
  readonly koffi: Koffi;
  readonly path: string;
  /** Version of the plugin's API: [major, minor]. */
  readonly version: readonly [number, number];
  /** Number of plugin objects that are not yet destroyed, by kind. */
  readonly live: Record<'buffers' | 'events' | 'executables', number> = {
    buffers: 0,
    events: 0,
    executables: 0,
  };
  readonly #callables: Readonly<Record<string, Callable>>;

  private constructor(koffi: Koffi, path: string, { version, pointers }: FunctionTable) {
    this.koffi = koffi;
    this.path = path;
    this.version = version;
    this.#callables = Object.fromEntries(
      Object.entries(pointers).map(([name, pointer]) => [
        name,
        koffi.decode(pointer, prototypes(koffi).call) as Callable,
      ]),
    );
  }

  /**
   * Loads a plugin. Checks its version and the size of its table before any call. Throws XlaError if the file is not
   * a plugin or has another major version.
   * @param oneHeap for plugins whose devices use this process's memory, see `shareHeap`
   */
  static async load(path: string, oneHeap = false): Promise<Api> {
    const koffi = await loadKoffi();
    if (oneHeap) shareHeap(koffi);
    const address = pluginTable(koffi, path);
    const size = tableSize(copyFrom(koffi, address, 8), path);
    const api = new Api(koffi, path, readTable(copyFrom(koffi, address, size), path));
    api.call('PJRT_Plugin_Initialize');
    return api;
  }

  struct(name: StructName, values: Readonly<Record<string, FieldValue>> = {}): Struct {
    return new Struct(this.koffi, name, values);
  }

  /** Calls a function that does not block. Returns its arguments, which hold its results. */
  call(name: FunctionName, values: Readonly<Record<string, FieldValue>> = {}): Struct {
    const args = this.struct(`${name}_Args` as StructName, values);
    this.#check(this.#callables[name]!(args.bytes));
    return args;
  }

  /** Calls a slow function on another thread. */
  async callAsync(name: FunctionName, values: Readonly<Record<string, FieldValue>> = {}): Promise<Struct> {
    const args = this.struct(`${name}_Args` as StructName, values);
    const error = await new Promise<Address | null>((resolve, reject) => {
      this.#callables[name]!.async(args.bytes, (failed, result) =>
        failed ? reject(failed) : resolve(result),
      );
    });
    this.#check(error);
    return args;
  }

  /** Awaits an event, destroys it, and throws its error if it has one. Blocks no thread. */
  async settle(event: Address): Promise<void> {
    this.live.events++;
    try {
      for (let polls = 0; this.call('PJRT_Event_IsReady', { event }).number('is_ready') === 0; polls++) {
        if (polls < 10) await setImmediate();
        else await setTimeout(1);
      }
      this.call('PJRT_Event_Error', { event });
    } finally {
      this.call('PJRT_Event_Destroy', { event });
      this.live.events--;
    }
  }

  /** Calls a deleter function of the plugin. */
  free(deleter: Address, object: Address): void {
    this.koffi.decode(deleter, prototypes(this.koffi).free)(object);
  }

  /** Text from a pointer field and its length field. */
  text(result: Struct, field: string): string {
    return new TextDecoder().decode(this.copy(result, field));
  }

  /** Bytes from two fields of a result: `x` and `x_size`. */
  copy(result: Struct, field: string): Uint8Array<ArrayBuffer> {
    return copyFrom(this.koffi, result.big(field), result.number(`${field}_size`));
  }

  #check(error: Address | null): void {
    if (!error) return;
    const args = this.struct('PJRT_Error_Message_Args', { error });
    this.#callables.PJRT_Error_Message!(args.bytes);
    const message = this.text(args, 'message');
    const code = this.struct('PJRT_Error_GetCode_Args', { error });
    this.#callables.PJRT_Error_GetCode!(code.bytes);
    this.#callables.PJRT_Error_Destroy!(this.struct('PJRT_Error_Destroy_Args', { error }).bytes);
    const number = code.number('code');
    const full = number === constants.PJRT_Error_Code_RESOURCE_EXHAUSTED;
    throw new XlaError(full ? `the device's memory is full: ${message} ${FEWER}` : message, number);
  }
}
