import { execFileSync } from 'node:child_process';

interface Launcher {
  /** Programs that may be it. Debian gives them endings, because several may be installed. */
  readonly names: readonly string[];
  /** Arguments that print the version. */
  readonly about: readonly string[];
  readonly version: RegExp;
  /** Arguments that start `ranks` processes of the command that follows. */
  arguments(ranks: number): readonly string[];
  /** True if it can start ranks now. */
  isReady?(): boolean;
}

const mpirun = { about: ['--version'], arguments: (ranks: number) => ['-np', `${ranks}`] };

/** Programs by which ranks start. */
const launchers = {
  'Open MPI': { ...mpirun, names: ['mpirun.openmpi', 'mpirun'], version: /Open MPI|OpenRTE/ },
  MPICH: { ...mpirun, names: ['mpirun.mpich', 'mpirun'], version: /HYDRA/ },
  Slurm: {
    names: ['srun'],
    about: ['--version'],
    version: /slurm/,
    arguments: (ranks: number) => ['-K', '--mpi=pmix', '-n', `${ranks}`],
    isReady: () => /idle|mix|alloc/.test(output('sinfo', ['--noheader', '--format=%T'])),
  },
} as const satisfies Record<string, Launcher>;

export type LauncherName = keyof typeof launchers;

const found = new Map<LauncherName, string | undefined>();

/** The launcher's program; undefined if it is not installed, or without a scheduler that runs. Looks once. */
export function launcherOf(name: LauncherName): string | undefined {
  if (!found.has(name)) {
    const { names, about, version, isReady }: Launcher = launchers[name];
    const program = names.find((each) => version.test(output(each, about)));
    found.set(name, program !== undefined && (isReady?.() ?? true) ? program : undefined);
  }
  return found.get(name);
}

/** The words that start a command on ranks. Throws Error if the launcher is not installed. */
export function onRanks(name: LauncherName, ranks: number, command: readonly string[]): string[] {
  const program = launcherOf(name);
  if (program === undefined) throw new Error(`${name} is not installed, or does not run`);
  return [program, ...launchers[name].arguments(ranks), ...command];
}

/**
 * Open MPI refuses root and more ranks than cores unless it is allowed; containers run as root. Ranks that are not bound
 * to cores, and leave them to others while they wait, share busy cores fairly.
 */
export const permissions = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  OMPI_MCA_hwloc_base_binding_policy: 'none',
  OMPI_MCA_mpi_yield_when_idle: '1',
};

/** A program's output; empty if it fails or is missing. */
function output(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe', timeout: 10_000 });
  } catch {
    return '';
  }
}
