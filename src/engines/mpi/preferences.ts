import { fileURLToPath } from 'node:url';

/** Open MPI's rules for sums: large ones in a ring. */
const RULES = fileURLToPath(new URL('../../../deploy/open-mpi.rules', import.meta.url));

/**
 * Variables that MPI's libraries should read, besides those in the environment.
 *
 * UCX, which MPICH and Open MPI may use, must not rewrite the code of the C library's memory functions while other
 * threads of Node run it, which now and then crashes.
 *
 * Open MPI 4.1 chooses an algorithm for large sums that takes up to twice the time of a ring: 100 MB, 4 ranks, links of
 * 500 Mbit/s.
 */
export function preferences(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return {
    UCX_MEM_MMAP_HOOK_MODE: 'none',
    // A file of rules overrides the algorithm that the user's own variables name.
    ...(environment.OMPI_MCA_coll_tuned_use_dynamic_rules === undefined && {
      OMPI_MCA_coll_tuned_use_dynamic_rules: '1',
      OMPI_MCA_coll_tuned_dynamic_rules_filename: RULES,
    }),
  };
}
