import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Programs by which ranks start. Debian gives them endings, because both may be installed. */
const launchers = {
  'Open MPI': { names: ['mpirun.openmpi', 'mpirun'], version: /Open MPI|OpenRTE/ },
  MPICH: { names: ['mpirun.mpich', 'mpirun'], version: /HYDRA/ },
} as const;

export type LauncherName = keyof typeof launchers;
export const launcherNames = Object.keys(launchers) as LauncherName[];

/** The launcher's program; undefined if it is not installed. */
export function launcherOf(launcher: LauncherName): string | undefined {
  const { names, version } = launchers[launcher];
  return names.find((name) => {
    try {
      return version.test(execFileSync(name, ['--version'], { encoding: 'utf8', stdio: 'pipe' }));
    } catch {
      return false;
    }
  });
}

/**
 * Open MPI refuses root and more ranks than cores unless it is allowed; containers run as root. Unbound ranks share
 * busy cores fairly.
 */
const permissions = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  OMPI_MCA_hwloc_base_binding_policy: 'none',
};

export interface Job {
  readonly status: number | null;
  /** Standard output and errors of all ranks and the launcher. */
  readonly output: string;
  readonly milliseconds: number;
}

/** The built command, as a script. */
export const command = '../../dist/cli/main.js';

/**
 * Runs a script of tests/mpi on ranks; without a launcher in one process.
 * @param onOutput called with everything printed so far
 */
export function startRanks(
  launcher: LauncherName | undefined,
  ranks: number,
  [script, ...values]: readonly [script: string, ...values: unknown[]],
  {
    cwd,
    env = {},
    onOutput,
  }: { cwd?: string; env?: Record<string, string>; onOutput?: (output: string) => void } = {},
): Promise<Job> {
  const path = fileURLToPath(new URL(`../mpi/${script}`, import.meta.url));
  const command = [process.execPath, path, ...values.map(String)];
  const started = launcher ? [launcherOf(launcher)!, '-np', String(ranks), ...command] : command;
  const from = performance.now();
  return new Promise((resolve) => {
    let output = '';
    const child = execFile(started[0]!, started.slice(1), {
      cwd,
      maxBuffer: 2 ** 28,
      env: { ...process.env, ...permissions, ...env },
    });
    const take = (text: string) => {
      output += text;
      onOutput?.(output);
    };
    child.stdout!.on('data', take);
    child.stderr!.on('data', take);
    child.on('close', (status) => resolve({ status, output, milliseconds: performance.now() - from }));
  });
}
