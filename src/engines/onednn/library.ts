import { basename, join } from 'node:path';

/** An address, or bytes that stand for theirs. */
export type Pointer = bigint | Uint8Array | null;
type Native = (...values: unknown[]) => unknown;

/** oneDNN's C interface: functions by their name without `dnnl_`, and the C types of their parameters. */
export interface Library {
  /** The name or path under which it was loaded. */
  readonly file: string;
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

/** What to do where the library is missing, and what that saves: the figures of README.md, beside onnx. */
const remedy =
  '`npx beyond-masking setup onednn` installs it without root, and training is then 1.2 to 1.4 × as fast';

const openMp = 'libgomp.so.1';
const openMpRemedy =
  `install ${openMp} (Debian, Ubuntu: sudo apt-get install libgomp1; Fedora: sudo dnf install libgomp; ` +
  'conda: conda install libgomp)';

/** Names of the library, the newest version that this engine knows first. */
const fileNames = ['libdnnl.so.3', 'libdnnl.so.2'] as const;
const OPEN_MP = 2;

/** Where `setup onednn` puts the library in the folder of its set. */
export const installedLibrary = (folder: string): string => join(folder, 'lib', 'libdnnl.so.3');

/** Where the library is looked for: in the system, then in the folder into which `setup onednn` has installed it. */
export const libraryFiles = (folder?: string): string[] => [
  ...fileNames,
  ...(folder === undefined ? [] : [installedLibrary(folder)]),
];

type Koffi = typeof import('koffi')['default'];
type Loaded = ReturnType<Koffi['load']>;

/**
 * Loads oneDNN, 2.6 or later or 3.x, from the first of the files that is one: names that the system knows, or paths. Throws
 * an Error in one line that says how to install it where it or its binding is missing, and why those that are there do not serve.
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

/** Throws an Error, with the remedy, where OpenMP's library is missing, which oneDNN needs. */
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

/** The dynamic loader's words. */
const reasonOf = (error: unknown) => (error as Error).message.replace(/^Failed to load shared library: /, '');

/** Whether it is the file itself that is not there (in the words of glibc or musl), and not a library that it needs. */
const isMissing = (reason: string) =>
  /^(cannot open shared object file|Error loading shared library).*No such file/.test(reason) &&
  !reason.includes('needed by');

/** Throws an Error with the version where it is another than the engine knows. */
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
  const raw = (name: string, parameters: string) => library.func(`int dnnl_${name}(${parameters})`) as Native;
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
    // That of the OpenMP which the library itself is linked to.
    setThreads: library.func('void omp_set_num_threads(int)') as (count: number) => void,
  };
}
