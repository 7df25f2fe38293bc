import type { NoteEvent } from '../../run/events.ts';
import type { TrainingEvent } from '../../run/tensorboard.ts';
import { withTensorboard } from '../options/options.ts';
import { interruptible } from './interrupt.ts';
import { outputIsExtra } from './streams.ts';

/** Shows a run to the user. */
interface Report<E> {
  show(event: E | NoteEvent): void;
  stopping(): void;
  close(): void;
}

/** Trains under a report. Ctrl-C ends the training and sets the exit status. */
export async function watchRun<E extends TrainingEvent>(
  report: Report<E>,
  tensorboard: boolean | undefined,
  train: (watched: {
    onEvent: (event: E | NoteEvent) => void;
    signal: AbortSignal;
  }) => Promise<{ outcome: string }>,
): Promise<void> {
  const { signal, done } = interruptible(() => report.stopping());
  try {
    const onEvent = withTensorboard<E | NoteEvent>(tensorboard, (event) => report.show(event));
    const { outcome } = await train({ onEvent, signal });
    if (outcome === 'interrupted') process.exitCode = 130; // as the shell says of Ctrl-C
  } catch (error) {
    if (error !== signal.reason) throw error;
    process.exitCode = 130; // while data was fetched: nothing to save
  } finally {
    done();
    report.close();
    outputIsExtra();
  }
}
