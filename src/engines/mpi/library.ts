import { basename } from 'node:path';
import { type Abi, abiOf } from './abi.ts';
import { LIBRARY_VARIABLE, libraryCandidates } from './candidates.ts';
import { launched } from './launcher.ts';
import { preferences } from './preferences.ts';

type Koffi = typeof import('koffi')['default'];
type Loaded = ReturnType<Koffi['load']>;

/** MPI's C interface. `H` in the parameters of a function is a handle. */
export interface Library {
  readonly abi: Abi;
  /** Name or path of the loaded library. */
  readonly file: string;
  /** Name and version in words. */
  readonly version: string;
  /** A function by its name without `MPI_`. The call throws an Error with MPI's message unless it succeeds. */
  call(name: string, parameters: string): (...values: unknown[]) => void;
}

const RTLD_NOW = 2;
/** Bytes for texts of any library: above every MPI_MAX_LIBRARY_VERSION_STRING. */
const TEXT = 8192;

/** Command that installs the library of the launcher's kind. */
function remedy(): string {
  const [debian, others] = launched()?.family === 'mpich' ? ['mpich', 'mpich'] : ['openmpi-bin', 'openmpi'];
  return (
    `Debian, Ubuntu: sudo apt-get install ${debian}; Fedora: sudo dnf install ${others}; conda: conda install ${others}; ` +
    `${LIBRARY_VARIABLE}=/path/to/libmpi.so names another`
  );
}

/**
 * Loads MPI from the first file that loads. Throws a one-line Error with the install command if there is none, or with
 * the reason if none is suitable.
 */
export async function loadMpi(files: readonly string[] = libraryCandidates()): Promise<Library> {
  const { default: koffi } = await import('koffi').catch(() => {
    throw new Error('ranks over MPI need the package koffi: npm install koffi');
  });
  setVariables(koffi);
  const refused: string[] = [];
  for (const file of files)
    try {
      // Open MPI loads plugins, which look for its functions among all loaded libraries.
      const library = koffi.load(file, { global: true });
      keepLoaded(koffi, file);
      return wrap(library, file);
    } catch (error) {
      const reason = (error as Error).message.replace(/^Failed to load shared library: /, '');
      if (!/No such file/.test(reason) || reason.includes('needed by')) refused.push(`${file} (${reason})`);
    }
  if (refused.length > 0)
    throw new Error(`ranks need a library of MPI that loads, got ${refused.join(' and ')}: ${remedy()}`);
  const missing = [...new Set(files.map((file) => basename(file)))];
  throw new Error(`ranks need the library of MPI (${missing.join(' or ')}), which is not found: ${remedy()}`);
}

/**
 * Sets variables that MPI reads, unless the user has set them. Node's own variables do not reach the C library from a
 * worker.
 */
function setVariables(koffi: Koffi): void {
  if (process.platform === 'win32') return;
  const setenv = koffi.load(null).func('int setenv(const char *name, const char *value, int overwrite)');
  for (const [name, value] of Object.entries(preferences(process.env))) setenv(name, value, 0);
}

/**
 * Opens a library a second time. koffi closes its libraries while the process ends, and MPI's threads would lose their
 * code.
 */
function keepLoaded(koffi: Koffi, file: string): void {
  if (process.platform === 'win32') return;
  koffi.load(null).func('void *dlopen(const char *path, int flags)')(file, RTLD_NOW);
}

function wrap(library: Loaded, file: string): Library {
  const abi = abiOf({
    address: (variable) => attempt(() => library.symbol(variable) as bigint),
    standardVersion: attempt(() => {
      const [major, minor] = [[0], [0]] as [[number], [number]];
      library.func('int MPI_Abi_get_version(_Out_ int *, _Out_ int *)')(major, minor);
      return major[0];
    }),
  });
  const raw = (name: string, parameters: string) =>
    library.func(`int MPI_${name}(${parameters.replaceAll(/\bH\b/g, abi.handle)})`) as (
      ...values: unknown[]
    ) => number;
  const text = (get: (bytes: Uint8Array, length: [number]) => void) => {
    const [bytes, length] = [Buffer.alloc(TEXT), [0] as [number]];
    get(bytes, length);
    return bytes.toString('utf8', 0, length[0]).split('\0')[0]!.replaceAll(/\s+/g, ' ').trim();
  };
  const version = raw('Get_library_version', 'char *text, _Out_ int *length');
  const errorText = raw('Error_string', 'int code, char *text, _Out_ int *length');
  return {
    abi,
    file,
    version: text(version)
      .replace(' Version:', '')
      .split(/,| MPICH Release date/)[0]!,
    call: (name, parameters) => {
      const native = raw(name, parameters);
      return (...values) => {
        const code = native(...values);
        if (code !== 0)
          throw new Error(`MPI_${name}: ${text((bytes, length) => errorText(code, bytes, length))}`);
      };
    },
  };
}

function attempt<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
