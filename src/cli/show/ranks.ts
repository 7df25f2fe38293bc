import { setTimeout } from 'node:timers/promises';
import { abortJob } from '../../engines/mpi/abort-job.ts';
import { endProcess } from '../../engines/mpi/end-process.ts';
import type { World } from '../../engines/mpi/launcher.ts';
import { isLostRank } from '../../run/lost-rank.ts';
import { launchedWorld } from '../../run/world.ts';
import { UsageError } from '../errors.ts';

/** Commands that train on ranks. */
const training: readonly string[] = ['pretrain', 'finetune', 'segment', 'detect'];

/** Milliseconds that another rank leaves to rank 0 for an error that all of them may have. */
const AFTER_YOU = 1000;

/** The beginning of a rank's messages. */
export const rankName = ({ rank, size }: World): string => `rank ${rank} of ${size}: `;

/** Throws UsageError where a launcher started several processes of a command that works alone. */
export function refuseRanks(command: string): void {
  const { size } = launchedWorld() ?? { size: 1 };
  if (size > 1 && !training.includes(command))
    throw new UsageError(
      `only ${training.slice(0, -1).join(', ')} and ${training.at(-1)} train on ranks, got ${command} on ${size}: start it without mpirun or srun`,
    );
}

/**
 * Shows an error of this process, and ends the other ranks. A rank that had an error leaves none of them waiting for it.
 * @param show prints the error after its argument, and returns the exit status
 */
export async function failOnRank(error: unknown, show: (beginning: string) => number): Promise<void> {
  const world = worldHere();
  if (!world) {
    process.exitCode = show('');
    return;
  }
  if (isLostRank(error)) return endProcess(1);
  if (world.rank > 0) await setTimeout(AFTER_YOU);
  process.exitCode = show(rankName(world));
  if (process.exitCode === 0) return; // the help
  await abortJob(process.exitCode);
  await endProcess(process.exitCode);
}

/** The ranks, for an error that may be about them. */
function worldHere(): World | undefined {
  try {
    return launchedWorld();
  } catch {
    return undefined;
  }
}
