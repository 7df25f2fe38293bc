import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Family, launched } from './launcher.ts';

/** Names of each kind's library. Both kinds may also have the standard interface. */
const names: Readonly<Record<Family, readonly string[]>> = {
  openmpi: ['libmpi.so.40'],
  mpich: ['libmpi.so.12', 'libmpich.so.12'],
};
const STANDARD = 'libmpi_abi.so.1';

/** Folders of libraries below an installation's root. Intel MPI before 2021.11 used the last. */
const folders = ['lib', 'lib64', 'lib/release'];

/** Programs that start ranks: of Open MPI 4, Open MPI 5, MPICH and Intel MPI. */
const programs =
  /^(mpirun|mpiexec|orterun|orted|prte|prterun|prted|mpiexec\.hydra|hydra_(pmi|bstrap)_proxy)$/;

/** Largest number of processes between a launcher and a rank's engine: shells, npx, npm. */
const GENERATIONS = 10;

/** Name of the variable that names the library. */
export const LIBRARY_VARIABLE = 'BEYOND_MASKING_MPI';

/**
 * Paths and names under which MPI's library may be found, in the order in which they are tried. A rank that loads
 * another library than its launcher's would be alone, so the launcher's own come first.
 */
export function libraryCandidates(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string[] {
  const named = environment[LIBRARY_VARIABLE];
  if (named) return [named];
  const family = launched(environment)?.family;
  const first = family ? [...names[family], STANDARD] : [STANDARD];
  const roots = [environment.OPAL_PREFIX, environment.I_MPI_ROOT, ...launcherRoots()];
  const own = roots
    .filter((root) => root !== undefined)
    .flatMap((root) => folders.flatMap((folder) => first.map((name) => join(root, folder, name))))
    .filter((path) => existsSync(path));
  return [...new Set([...own, ...first, ...names.openmpi, ...names.mpich, STANDARD])];
}

/** Roots of the installations whose programs started this process, by Linux's `/proc`. */
function launcherRoots(): string[] {
  const roots: string[] = [];
  let pid = process.ppid;
  try {
    for (let i = 0; i < GENERATIONS && pid > 1; i++) {
      const program = readlinkSync(`/proc/${pid}/exe`);
      if (programs.test(basename(program))) roots.push(dirname(dirname(program)));
      // The parent follows the name, which may hold blanks and brackets, and the state.
      pid = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1]);
    }
  } catch {
    // Another system, or a process of another user: the usual names remain.
  }
  return roots;
}
