import { setImmediate, setTimeout } from 'node:timers/promises';
import type { TypeObject } from 'koffi';
import { XlaError } from './error.ts';
import { apiVersion, functions, versionAt } from './layout.ts';
import { type Address, copyFrom, type FieldValue, type Koffi, Struct, type StructName } from './struct.ts';

export type FunctionName = keyof typeof functions;

interface Callable {
  (args: Uint8Array): Address | null;
  async(args: Uint8Array, done: (error: unknown, result: Address | null) => void): void;
}

/** XLA's compiler needs more stack than koffi's calls get. */
const STACK = 16 << 20;
/** No table of functions is larger: a larger number is not the size of one. */
const LARGEST_API = 1 << 16;

/** The functions of one loaded plugin. Every call is `PJRT_Error* f(PJRT_F_Args*)`; an error becomes an exception. */
export class Api {
  readonly koffi: Koffi;
  readonly path: string;
  /** Version of the API that the plugin speaks: [major, minor]. */
  readonly version: readonly [number, number];
  /** Objects of the plugin that are ours to destroy, by kind. */
  readonly live: Record<'buffers' | 'events' | 'executables', number> = {
    buffers: 0,
    events: 0,
    executables: 0,
  };
  private readonly callables: Readonly<Record<string, Callable>>;

  private constructor(koffi: Koffi, path: string, table: Uint8Array) {
    this.koffi = koffi;
    this.path = path;
    const view = new DataView(table.buffer);
    this.version = [view.getInt32(versionAt, true), view.getInt32(versionAt + 4, true)];
    const [major] = apiVersion;
    if (this.version[0] !== major)
      throw new XlaError(
        `a plugin must speak version ${major} of the PJRT API, got ${this.version.join('.')}: ${path}`,
      );
    this.callables = Object.fromEntries(
      Object.entries(functions).map(([name, offset]) => {
        const pointer = offset + 8 <= table.length ? view.getBigUint64(offset, true) : 0n;
        if (pointer === 0n)
          throw new XlaError(
            `a plugin must have ${name}, which this one (API ${this.version.join('.')}) lacks: ${path}`,
          );
        return [name, koffi.decode(pointer, prototypes(koffi).call) as Callable];
      }),
    );
  }

  /**
   * Loads a plugin; its version and the size of its table are checked before anything in it is called. Throws XlaError
   * where it is no plugin, or one of another major version.
   */
  static async load(path: string): Promise<Api> {
    const koffi = await loadKoffi();
    const address = pluginTable(koffi, path);
    const size = Number(new BigUint64Array(koffi.view(address, 8))[0]);
    if (size < versionAt + 8 || size > LARGEST_API)
      throw new XlaError(
        `a plugin's table of functions must have a plausible size, got ${size} bytes: ${path}`,
      );
    const api = new Api(koffi, path, copyFrom(koffi, address, size));
    api.call('PJRT_Plugin_Initialize');
    return api;
  }

  struct(name: StructName, values: Readonly<Record<string, FieldValue>> = {}): Struct {
    return new Struct(this.koffi, name, values);
  }

  /** Calls a function that does not block; returns its arguments, which hold its results. */
  call(name: FunctionName, values: Readonly<Record<string, FieldValue>> = {}): Struct {
    const args = this.struct(`${name}_Args` as StructName, values);
    this.check(this.callables[name]!(args.bytes));
    return args;
  }

  /** Calls a function that may take long, on another thread. */
  async callAsync(name: FunctionName, values: Readonly<Record<string, FieldValue>> = {}): Promise<Struct> {
    const args = this.struct(`${name}_Args` as StructName, values);
    const error = await new Promise<Address | null>((resolve, reject) => {
      this.callables[name]!.async(args.bytes, (failed, result) =>
        failed ? reject(failed) : resolve(result),
      );
    });
    this.check(error);
    return args;
  }

  /** Waits for an event, destroys it, and throws its error if it has one. No thread waits with us. */
  async settle(event: Address): Promise<void> {
    this.live.events++;
    try {
      for (let polls = 0; this.call('PJRT_Event_IsReady', { event }).number('is_ready') === 0; polls++) {
        if (polls < 100) await setImmediate();
        else await setTimeout(1);
      }
      this.call('PJRT_Event_Error', { event });
    } finally {
      this.call('PJRT_Event_Destroy', { event });
      this.live.events--;
    }
  }

  /** Calls a function that a plugin gave for an object to be freed with. */
  free(deleter: Address, object: Address): void {
    this.koffi.decode(deleter, prototypes(this.koffi).free)(object);
  }

  /** The text that two fields of a result point to. */
  text(result: Struct, field: string): string {
    return new TextDecoder().decode(this.copy(result, field));
  }

  /** The bytes that two fields of a result point to: `x` and `x_size`. */
  copy(result: Struct, field: string): Uint8Array<ArrayBuffer> {
    return copyFrom(this.koffi, result.big(field), result.number(`${field}_size`));
  }

  private check(error: Address | null): void {
    if (!error) return;
    const args = this.struct('PJRT_Error_Message_Args', { error });
    this.callables.PJRT_Error_Message!(args.bytes);
    const message = this.text(args, 'message');
    const code = this.struct('PJRT_Error_GetCode_Args', { error });
    this.callables.PJRT_Error_GetCode!(code.bytes);
    this.callables.PJRT_Error_Destroy!(this.struct('PJRT_Error_Destroy_Args', { error }).bytes);
    throw new XlaError(message, code.number('code'));
  }
}

let known: { readonly call: TypeObject; readonly free: TypeObject } | undefined;

/** Types of the functions that plugins give: koffi takes a name once. */
function prototypes(koffi: Koffi) {
  known ??= {
    call: koffi.proto('void *PjrtFunction(void *args)'),
    free: koffi.proto('void PjrtDeleter(void *object)'),
  };
  return known;
}

async function loadKoffi(): Promise<Koffi> {
  let koffi: Koffi;
  try {
    koffi = (await import('koffi')).default;
  } catch (cause) {
    const message =
      'the xla engine calls its plugin with the package koffi, which is not installed: npm install koffi';
    throw new XlaError(message, undefined, { cause });
  }
  const { sync_stack_size: stack = 0 } = koffi.config();
  if (stack < STACK) {
    try {
      koffi.config({ sync_stack_size: STACK, async_stack_size: STACK });
    } catch (cause) {
      const message = `koffi must not be used before the xla engine without a stack of ${STACK} bytes, got ${stack}`;
      throw new XlaError(message, undefined, { cause });
    }
  }
  return koffi;
}

const RTLD_NOW = 2;

/**
 * Opens a library once more than it will be closed: koffi closes what it loaded while the process ends, and XLA's
 * threads and exit handlers would then find their code gone.
 */
function keepLoaded(koffi: Koffi, path: string): void {
  if (process.platform === 'win32') return;
  koffi.load(null).func('void *dlopen(const char *path, int flags)')(path, RTLD_NOW);
}

/** Address of the plugin's table of functions. */
function pluginTable(koffi: Koffi, path: string): Address {
  // XLA's logs of every start; what matters comes as an error.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  let library: ReturnType<Koffi['load']>;
  try {
    library = koffi.load(path);
  } catch (error) {
    throw new XlaError(
      `a plugin must be a shared library that loads, got ${path}: ${(error as Error).message}`,
    );
  }
  keepLoaded(koffi, path);
  let table: Address | null;
  try {
    table = library.func('void *GetPjrtApi()')();
  } catch {
    throw new XlaError(`a plugin must export GetPjrtApi, which this library does not: ${path}`);
  }
  if (!table) throw new XlaError(`GetPjrtApi must give a table of functions, got none: ${path}`);
  return table;
}
