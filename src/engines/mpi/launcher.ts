/** Place of this process among the ranks of a job. */
export interface World {
  /** Number of this process, from 0. */
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /** Number of processes on this host. */
  readonly localSize: number;
}

/** Kind of MPI library that a launcher belongs to. */
export type Family = 'openmpi' | 'mpich';

export interface Launched extends World {
  readonly family: Family;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Launcher {
  readonly family: Family;
  readonly rank: string;
  readonly size: string;
  /** Number of processes on this host. */
  localSize(environment: Environment): string | undefined;
}

/**
 * Processes of a Slurm step on this host: `2(x3),1` is two on each of three hosts and one on the fourth.
 */
function slurmLocalSize({
  SLURM_NODEID: node,
  SLURM_STEP_TASKS_PER_NODE: counts,
}: Environment): string | undefined {
  const perNode = (counts ?? '').split(',').flatMap((part) => {
    const [, count, times = '1'] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? [];
    return count === undefined ? [] : Array<string>(Number(times)).fill(count);
  });
  return perNode[Number(node)];
}

/** Size of a Slurm step. A batch script has `SLURM_NTASKS` too, but is one process that no other one joins. */
const SLURM_SIZE = 'SLURM_STEP_NUM_TASKS';

/**
 * Variables of each launcher. An mpirun inside a Slurm job starts its helpers by srun, so ranks see the variables of
 * both: mpirun's come first.
 */
const launchers: readonly Launcher[] = [
  {
    family: 'openmpi',
    rank: 'OMPI_COMM_WORLD_RANK',
    size: 'OMPI_COMM_WORLD_SIZE',
    localSize: (environment) => environment.OMPI_COMM_WORLD_LOCAL_SIZE,
  },
  {
    // MPICH's and Intel's mpirun, and srun --mpi=pmi2
    family: 'mpich',
    rank: 'PMI_RANK',
    size: 'PMI_SIZE',
    localSize: (environment) => environment.MPI_LOCALNRANKS ?? slurmLocalSize(environment),
  },
  // srun --mpi=pmix
  { family: 'openmpi', rank: 'PMIX_RANK', size: SLURM_SIZE, localSize: slurmLocalSize },
  // srun --mpi=none
  { family: 'openmpi', rank: 'SLURM_PROCID', size: SLURM_SIZE, localSize: slurmLocalSize },
];

/**
 * Place of this process in the job that mpirun or srun started; undefined if neither did. Throws RangeError if the
 * variables contradict each other.
 */
export function launched(environment: Environment = process.env): Launched | undefined {
  const launcher = launchers.find(
    ({ rank, size }) => environment[rank] !== undefined && environment[size] !== undefined,
  );
  if (!launcher) return undefined;
  const { family, rank, size, localSize } = launcher;
  const world = {
    rank: Number(environment[rank]),
    size: Number(environment[size]),
    localSize: Number(localSize(environment) ?? 1),
  };
  checkWorld(world, `${rank}=${environment[rank]} and ${size}=${environment[size]}`);
  return { ...world, family };
}

/** Throws RangeError unless the numbers fit together. @param got the numbers in words */
export function checkWorld({ rank, size, localSize }: World, got = `rank ${rank} of ${size}`): void {
  if (!Number.isSafeInteger(rank) || !Number.isSafeInteger(size) || rank < 0 || rank >= size)
    throw new RangeError(`a rank must be an integer in [0, number of ranks), got ${got}`);
  if (!Number.isSafeInteger(localSize) || localSize < 1 || localSize > size)
    throw new RangeError(
      `the ranks on a host must number from 1 to the number of ranks, got ${localSize} on this host and ${got}`,
    );
}
