import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type LauncherName, onRanks, permissions } from '../../bench/launchers.ts';

export { type LauncherName, launcherOf } from '../../bench/launchers.ts';
/** Launchers that tests start. Slurm takes a scheduler that runs. */
export const launcherNames = ['Open MPI', 'MPICH'] as const satisfies readonly LauncherName[];

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
  const started = launcher ? onRanks(launcher, ranks, command) : command;
  const from = performance.now();
  return new Promise((resolve, reject) => {
    let output = '';
    const child = execFile(started[0]!, started.slice(1), {
      cwd,
      maxBuffer: 2 ** 28,
      env: { ...process.env, ...permissions, ...env },
    });
    const take = (text: string) => {
      output += text;
      try {
        onOutput?.(output);
      } catch (error) {
        // Thrown here, it would end the file of tests and fail none of them.
        child.kill('SIGKILL');
        reject(error);
      }
    };
    child.stdout!.on('data', take);
    child.stderr!.on('data', take);
    child.on('close', (status) => resolve({ status, output, milliseconds: performance.now() - from }));
  });
}
