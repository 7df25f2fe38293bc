import type { Collective } from '../collective.ts';
import { Communicator } from './communicator.ts';
import type { World } from './launcher.ts';
import { loadMpi } from './library.ts';

/** Place of this process that its launcher or the user names. */
export type MpiOptions = Pick<World, 'rank' | 'size'>;

/** Status of a job whose rank could not compute its sums. */
const FAILED = 1;

/**
 * Joins the ranks of a job over MPI, and sums in place. Throws an Error if MPI's library is missing, or if MPI found
 * other ranks than the launcher started.
 */
export default async function joinMpi({ rank, size }: MpiOptions): Promise<Collective> {
  const library = await loadMpi();
  const ranks = new Communicator(library);
  if (ranks.rank !== rank || ranks.size !== size) {
    if (ranks.size === 1) ranks.leave();
    throw new Error(
      `MPI must find the ranks that were started, got rank ${ranks.rank} of ${ranks.size} by ${library.version} (${library.file}) for rank ${rank} of ${size}: ` +
        'start them by the mpirun of the same MPI, or by srun --mpi=pmix (MPICH: --mpi=pmi2)',
    );
  }
  let failed = false;
  const attempt = (call: () => void) => {
    try {
      call();
    } catch (error) {
      failed = true;
      throw new Error(`rank ${rank} of ${size}: ${(error as Error).message}`);
    }
  };
  return {
    rank,
    size,
    allReduce: (buffers) =>
      attempt(() => {
        for (const buffer of buffers) ranks.sum(buffer);
      }),
    broadcast: (bytes) => attempt(() => ranks.broadcast(bytes)),
    close() {
      // The others may wait for sums for ever.
      if (failed) ranks.abort(FAILED);
      else ranks.leave();
    },
  };
}
