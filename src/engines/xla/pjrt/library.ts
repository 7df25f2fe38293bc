import type { TypeObject } from 'koffi';
import { XlaError } from './error.ts';
import { apiVersion, functions, versionAt } from './layout.ts';
import type { Address, Koffi } from './struct.ts';

export type FunctionName = keyof typeof functions;

/** XLA's compiler needs a larger stack than koffi's default. */
const STACK = 16 << 20;
/** Upper bound of a plausible table size in bytes. */
const LARGEST_API = 1 << 16;

let known: { readonly call: TypeObject; readonly free: TypeObject } | undefined;

/** Types of the plugins' functions. koffi accepts each name once. */
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

/** Version and functions in a plugin's table. */
export interface FunctionTable {
  readonly version: readonly [number, number];
  readonly pointers: Readonly<Record<FunctionName, Address>>;
}

/** Size of a table in bytes, from its first eight. Throws XlaError if it is not plausible. */
export function tableSize(start: Uint8Array, path: string): number {
  const size = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  if (size < versionAt + 8 || size > LARGEST_API)
    throw new XlaError(
      `a plugin's table of functions must have a plausible size, got ${size} bytes: ${path}`,
    );
  return size;
}

/** Throws XlaError unless the table has this engine's major version and every function that it calls. */
export function readTable(table: Uint8Array, path: string): FunctionTable {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const version = [view.getInt32(versionAt, true), view.getInt32(versionAt + 4, true)] as const;
  const [major] = apiVersion;
  const name = version.join('.');
  if (version[0] !== major)
    throw new XlaError(`a plugin must speak version ${major} of the PJRT API, got ${name}: ${path}`);
  const entries = Object.entries(functions).map(([key, offset]) => {
    const pointer = offset + 8 <= table.length ? view.getBigUint64(offset, true) : 0n;
    if (pointer === 0n) throw new XlaError(`a plugin must have ${key}, got API ${name} without it: ${path}`);
    return [key, pointer];
  });
  return { version, pointers: Object.fromEntries(entries) };
}

const RTLD_NOW = 2;

/**
 * Opens a library a second time, so that it stays loaded. koffi closes its libraries while the process ends, and
 * XLA's threads and exit handlers would lose their code.
 */
function keepLoaded(koffi: Koffi, path: string): void {
  if (process.platform === 'win32') return;
  koffi.load(null).func('void *dlopen(const char *path, int flags)')(path, RTLD_NOW);
}

const M_ARENA_MAX = -8;

/**
 * Makes all threads share one heap of the C library, for plugins whose devices use this memory. Otherwise each of
 * glibc's heaps keeps freed memory: twice the memory in use, growing with every thousand steps.
 */
export function shareHeap(koffi: Koffi): void {
  if (process.platform !== 'linux') return;
  try {
    koffi.load(null).func('int mallopt(int parameter, int value)')(M_ARENA_MAX, 1);
  } catch {
    // Not glibc: nothing to set.
  }
}

/** Address of the plugin's table of functions. */
export function pluginTable(koffi: Koffi, path: string): Address {
  // Hides XLA's startup log. Errors are reported through the API.
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
