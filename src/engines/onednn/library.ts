import { basename, join } from 'node:path';

/** An address, or bytes whose address is passed. */
export type Pointer = bigint | Uint8Array | null;
type Native = (...values: unknown[]) => unknown;

/** oneDNN's C interface. Functions go by their name without `dnnl_` and the C types of their parameters. */
export interface Library {
  /** Name or path of the loaded library. */
  readonly file: string;
  readonly version: { readonly major: number; readonly minor: number; readonly patch: number };
  readonly koffi: Pick<typeof import('koffi'), 'load' | 'view'>;
  /** A function that returns a status. The call throws an Error unless it succeeds. */
  status(name: string, parameters: string): (...values: unknown[]) => void;
  /** The same for a function whose first parameter receives the result. */
  maker(name: string, parameters: string): (...values: unknown[]) => bigint;
  /** The plain function, for frequent calls and other results. @param returns C type of its result. Default: int. */
  raw(name: string, parameters: string, returns?: string): Native;
  setThreads(count: number): void;
}

const statuses = ['success', 'out of memory', 'invalid arguments', 'not implemented', 'not found'];

/** Install command and its benefit; figures from README.md, relative to onnx. */
const remedy =
  '`npx beyond-masking setup onednn` installs it without root, and training is then 1.2 to 1.4 × as fast';

const openMp = 'libgomp.so.1';
const openMpRemedy =
  `install ${openMp} (Debian, Ubuntu: sudo apt-get install libgomp1; Fedora: sudo dnf install libgomp; ` +
  'conda: conda install libgomp)';

/** File names of the library, newest supported version first. */
const fileNames = ['libdnnl.so.3', 'libdnnl.so.2'] as const;
const OPEN_MP = 2;

/** Path of the library in the folder of `setup onednn`. */
export const installedLibrary = (folder: string): string => join(folder, 'lib', 'libdnnl.so.3');

/** Search order: the system, then the folder of `setup onednn`. */
export const libraryFiles = (folder?: string): string[] => [
  ...fileNames,
  ...(folder === undefined ? [] : [installedLibrary(folder)]),
];

type Koffi = typeof import('koffi')['default'];
type Loaded = ReturnType<Koffi['load']>;

/**
 * Loads oneDNN 2.6+ or 3.x from the first suitable file (system name or path). Throws a one-line Error with the
 * install command if the library or koffi is missing, or with the reason if no library is suitable.
 */
export async function loadLibrary(files: readonly string[] = fileNames): Promise<Library> {
  const koffi = await loadKoffi();
  const refused: string[] = [];
  for (const file of files)
    try {
      const library = koffi.load(file);
      return wrap(koffi, library, file, versionOf(koffi, library));
    } catch (error) {
      const reason = reasonOf(error);
      if (!isMissing(reason)) refused.push(`${file} (${reason})`);
    }
  const names = files.map((file) => basename(file)).filter((name, i, all) => all.indexOf(name) === i);
  throw new Error(
    refused.length === 0
      ? `the onednn engine needs oneDNN (${names.join(' or ')}): ${remedy}`
      : `the onednn engine needs oneDNN 2.6 or later or 3.x, built with OpenMP, got ${refused.join(' and ')}: ` +
          (refused.some((reason) => reason.includes(openMp)) ? openMpRemedy : remedy),
  );
}

/** Throws an Error with the remedy if OpenMP's library, which oneDNN needs, is missing. */
export async function requireOpenMp(): Promise<void> {
  const koffi = await loadKoffi();
  try {
    koffi.load(openMp);
  } catch (error) {
    throw new Error(`oneDNN needs ${openMp}, which does not load (${reasonOf(error)}): ${openMpRemedy}`);
  }
}

async function loadKoffi(): Promise<Koffi> {
  const { default: koffi } = await import('koffi').catch(() => {
    throw new Error('the onednn engine needs the package koffi: npm install koffi');
  });
  return koffi;
}

/** The dynamic loader's message. */
const reasonOf = (error: unknown) => (error as Error).message.replace(/^Failed to load shared library: /, '');

/** True if the file itself is missing (messages of glibc and musl), rather than one of its dependencies. */
const isMissing = (reason: string) =>
  /^(cannot open shared object file|Error loading shared library).*No such file/.test(reason) &&
  !reason.includes('needed by');

/** Version of the library. Throws an Error with the version if the engine does not support it. */
function versionOf(koffi: Koffi, library: Loaded): Library['version'] {
  const struct = koffi.struct({
    major: 'int',
    minor: 'int',
    patch: 'int',
    hash: 'const char *',
    cpuRuntime: 'uint',
  });
  const { major, minor, patch, cpuRuntime } = koffi.decode(
    library.func('void *dnnl_version()')(),
    struct,
  ) as Library['version'] & { readonly cpuRuntime: number };
  const version = `${major}.${minor}.${patch}`;
  if (!(major === 3 || (major === 2 && minor >= 6))) throw new Error(`version ${version}`);
  if (cpuRuntime !== OPEN_MP) throw new Error(`version ${version} without OpenMP`);
  return { major, minor, patch };
}

function wrap(koffi: Koffi, library: Loaded, file: string, version: Library['version']): Library {
  const raw = (name: string, parameters: string, returns = 'int') =>
    library.func(`${returns} dnnl_${name}(${parameters})`) as Native;
  const status = (name: string, parameters: string) => {
    const native = raw(name, parameters);
    return (...values: unknown[]) => {
      const code = native(...values) as number;
      if (code !== 0) throw new Error(`oneDNN's ${name}: ${statuses[code] ?? `status ${code}`}`);
    };
  };
  return {
    version,
    file,
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
    // The OpenMP that the library is linked to.
    setThreads: library.func('void omp_set_num_threads(int)') as (count: number) => void,
  };
}
