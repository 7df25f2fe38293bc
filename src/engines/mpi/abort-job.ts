import { writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** Message of PMI-1, which MPICH's mpirun and Intel's read: its other ranks must end. */
const abort = (status: number) => `cmd=abort exitcode=${status}\n`;

/** Milliseconds in which the launcher forwards the error's message, which it drops when it ends the job. */
const FORWARDING = 300;

/**
 * Asks the launcher to end all ranks, before this one exits with an error. Open MPI's mpirun and `srun -K` do so
 * whenever a rank fails. MPICH's does not if the rank has not joined yet: the others would wait for it for ever.
 * @param status exit status of the job
 */
export async function abortJob(
  status: number,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<void> {
  const { PMI_FD: descriptor } = environment;
  if (descriptor === undefined) return;
  await setTimeout(FORWARDING);
  try {
    writeSync(Number(descriptor), abort(status));
  } catch {
    // The launcher has ended, or npx has closed its connection.
  }
}
