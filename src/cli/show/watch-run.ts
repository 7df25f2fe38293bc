import { abortJob } from '../../engines/mpi/abort-job.ts';
import type { World } from '../../engines/mpi/launcher.ts';
import type { NoteEvent } from '../../run/events.ts';
import type { TrainingEvent } from '../../run/tensorboard.ts';
import { aboutRank, isWriter, launchedWorld } from '../../run/world.ts';
import { withTensorboard } from '../options/options.ts';
import { interruptible } from './interrupt.ts';
import { rankName } from './ranks.ts';
import { outputIsExtra } from './streams.ts';

/** Shows a run to the user. */
interface Report<E> {
  show(event: E | NoteEvent): void;
  stopping(): void;
  close(): void;
}

/**
 * Trains under a report, on the ranks that a launcher started. Ctrl-C ends the training and sets the exit status. Other
 * ranks than 0 only show notes, and end with 0 when they were stopped: launchers take other statuses for errors.
 */
export async function watchRun<E extends TrainingEvent>(
  report: Report<E>,
  tensorboard: boolean | undefined,
  train: (watched: {
    onEvent: (event: E | NoteEvent) => void;
    signal: AbortSignal;
    world: World | undefined;
  }) => Promise<{ outcome: string }>,
): Promise<void> {
  const world = launchedWorld();
  const writes = isWriter(world);
  if (!writes) report.close();
  if (world) console.error(aboutRank(world));
  const { signal, done } = interruptible(() => writes && report.stopping());
  try {
    const onEvent = writes
      ? withTensorboard<E | NoteEvent>(tensorboard, (event) => report.show(event))
      : (event: E | NoteEvent) =>
          event.type === 'note' && console.error(`${rankName(world!)}${event.message}`);
    const { outcome } = await train({ onEvent, signal, world });
    if (outcome === 'interrupted' && writes) process.exitCode = 130; // as the shell says of Ctrl-C
  } catch (error) {
    if (error !== signal.reason) throw error;
    process.exitCode = 130; // while data was fetched: nothing to save
    if (world) await abortJob(130); // the others would wait for this one
  } finally {
    done();
    if (writes) report.close();
    outputIsExtra();
  }
}
