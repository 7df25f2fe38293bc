import type { TypeObject } from 'koffi';
import { XlaError } from './error.ts';
import { apiVersion, functions, versionAt } from './layout.ts';
import type { Address, Koffi } from './struct.ts';

export type FunctionName = keyof typeof functions;

/** XLA's compiler needs more stack than koffi's calls get. */
const STACK = 16 << 20;
/** No table of functions is larger: a larger number is not the size of one. */
const LARGEST_API = 1 << 16;

let known: { readonly call: TypeObject; readonly free: TypeObject } | undefined;

/** Types of the functions that plugins give: koffi takes a name once. */
export function prototypes(koffi: Koffi) {
  known ??= {
    call: koffi.proto('void *PjrtFunction(void *args)'),
    free: koffi.proto('void PjrtDeleter(void *object)'),
  };
  return known;
}

export async function loadKoffi(): Promise<Koffi> {
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

/** What a plugin's table of functions says. */
export interface FunctionTable {
  readonly version: readonly [number, number];
  readonly pointers: Readonly<Record<FunctionName, Address>>;
}

/** Size of a table in bytes, from its first eight. Throws XlaError where it cannot be one. */
export function tableSize(start: Uint8Array, path: string): number {
  const size = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  if (size < versionAt + 8 || size > LARGEST_API)
    throw new XlaError(
      `a plugin's table of functions must have a plausible size, got ${size} bytes: ${path}`,
    );
  return size;
}

/** Throws XlaError unless the table is of our major version and has every function that we call. */
export function readTable(table: Uint8Array, path: string): FunctionTable {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const version = [view.getInt32(versionAt, true), view.getInt32(versionAt + 4, true)] as const;
  const [major] = apiVersion;
  const name = version.join('.');
  if (version[0] !== major)
    throw new XlaError(`a plugin must speak version ${major} of the PJRT API, got ${name}: ${path}`);
  const entries = Object.entries(functions).map(([key, offset]) => {
    const pointer = offset + 8 <= table.length ? view.getBigUint64(offset, true) : 0n;
    if (pointer === 0n)
      throw new XlaError(`a plugin must have ${key}, which this one (API ${name}) lacks: ${path}`);
    return [key, pointer];
  });
  return { version, pointers: Object.fromEntries(entries) };
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

const M_ARENA_MAX = -8;

/**
 * One heap of the C library for all threads, for plugins whose devices' memory it is: of glibc's many, each keeps what was
 * freed there, twice what is in use, and more with every thousand steps.
 */
export function shareHeap(koffi: Koffi): void {
  if (process.platform !== 'linux') return;
  try {
    koffi.load(null).func('int mallopt(int parameter, int value)')(M_ARENA_MAX, 1);
  } catch {
    // A C library that has no such thing to set.
  }
}

/** Address of the plugin's table of functions. */
export function pluginTable(koffi: Koffi, path: string): Address {
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
