/** An address, or bytes that stand for theirs. */
export type Pointer = bigint | Uint8Array | null;
type Native = (...values: unknown[]) => unknown;

/** oneDNN's C interface: functions by their name without `dnnl_`, and the C types of their parameters. */
export interface Library {
  readonly version: { readonly major: number; readonly minor: number; readonly patch: number };
  readonly koffi: Pick<typeof import('koffi'), 'load' | 'view'>;
  /** A function that returns a status; calling it throws where that is not success. */
  status(name: string, parameters: string): (...values: unknown[]) => void;
  /** The same where the first parameter is where the result goes. */
  maker(name: string, parameters: string): (...values: unknown[]) => bigint;
  /** The function itself, for calls that are made often. */
  raw(name: string, parameters: string): Native;
  setThreads(count: number): void;
}

const statuses = ['success', 'out of memory', 'invalid arguments', 'not implemented', 'not found'];

/** What to do where the library is missing. */
export const remedy = 'on Debian and Ubuntu: sudo apt-get install libdnnl2';

/** Names of the library, the newest version that this engine knows first. */
const fileNames = ['libdnnl.so.3', 'libdnnl.so.2'] as const;
const OPEN_MP = 2;

/**
 * Loads oneDNN, 2.6 or later or 3.x, from the system. Throws an Error that says how to install it where it or its binding is
 * missing, and what it must be where it is another one.
 */
export async function loadLibrary(names: readonly string[] = fileNames): Promise<Library> {
  const { default: koffi } = await import('koffi').catch(() => {
    throw new Error('the onednn engine needs the package koffi: npm install koffi');
  });
  const library = firstOf(koffi.load, names);
  if (!library) throw new Error(`the onednn engine needs oneDNN (${names.join(' or ')}); ${remedy}`);
  const version = koffi.struct({
    major: 'int',
    minor: 'int',
    patch: 'int',
    hash: 'const char *',
    cpuRuntime: 'uint',
  });
  const found = koffi.decode(library.func('void *dnnl_version()')(), version) as Library['version'] & {
    readonly cpuRuntime: number;
  };
  const { major, minor, patch } = found;
  if (!(major === 3 || (major === 2 && minor >= 6)) || found.cpuRuntime !== OPEN_MP)
    throw new Error(
      `the onednn engine takes oneDNN 2.6 or later or 3.x, built with OpenMP, got ${major}.${minor}.${patch}` +
        `${found.cpuRuntime === OPEN_MP ? '' : ' without it'}`,
    );
  const raw = (name: string, parameters: string) => library.func(`int dnnl_${name}(${parameters})`) as Native;
  const status = (name: string, parameters: string) => {
    const native = raw(name, parameters);
    return (...values: unknown[]) => {
      const code = native(...values) as number;
      if (code !== 0) throw new Error(`oneDNN's ${name}: ${statuses[code] ?? `status ${code}`}`);
    };
  };
  return {
    version: { major, minor, patch },
    koffi,
    raw,
    status,
    maker: (name, parameters) => {
      const make = status(name, `_Out_ void **${parameters && ', '}${parameters}`);
      return (...values) => {
        const result: [bigint | null] = [null];
        make(result, ...values);
        return result[0]!;
      };
    },
    // That of the OpenMP which the library itself is linked to.
    setThreads: library.func('void omp_set_num_threads(int)') as (count: number) => void,
  };
}

function firstOf<T>(load: (name: string) => T, names: readonly string[]): T | undefined {
  for (const name of names)
    try {
      return load(name);
    } catch {
      // Not installed: perhaps the next one is.
    }
  return undefined;
}
