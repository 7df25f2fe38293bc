import type { OpenOptions, OpenProgress } from '../../data/sources/scheme.ts';
import { fetching } from './fetching.ts';
import { interruptible } from './interrupt.ts';
import { ProgressBar } from './progress-bar.ts';
import { Stages } from './stages.ts';

/** Options of a library call for progress and interruption. */
export interface Watched {
  readonly onProgress: (what: string, done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Does something of several stages under a progress bar; Ctrl-C ends it.
 * @param kept what Ctrl-C leaves, for people
 * @returns undefined where it was stopped
 */
export function withProgress<T>(
  work: (watched: Watched) => Promise<T>,
  kept = 'finished work was saved: run the same command again to continue',
): Promise<T | undefined> {
  const stages = new Stages();
  return stoppable((bar, signal) => {
    const onProgress = (what: string, done: number, total: number) => {
      if (total === 0) return bar.update(0, `${what}: ${done} found`);
      bar.update(done / total, `${what}  ${done}/${total}${stages.left(what, done, total)}`);
    };
    return work({ onProgress, signal });
  }, kept);
}

/** The same for what opens images: fetches them, or searches a folder. */
export function whileFetching<T>(
  work: (watched: Required<Pick<OpenOptions, 'onProgress' | 'onNote' | 'signal'>>) => Promise<T>,
  kept = 'nothing is kept',
): Promise<T | undefined> {
  return stoppable(async (bar, signal) => {
    const onProgress = (progress: OpenProgress) => bar.update(...fetching(progress));
    const result = await work({ onProgress, onNote: (message) => bar.line(message, process.stderr), signal });
    signal.throwIfAborted(); // what fetches nothing does not look at it
    return result;
  }, kept);
}

/** Runs some work with a progress bar. Ctrl-C aborts the signal and sets the exit status. */
export async function stoppable<T>(
  work: (bar: ProgressBar, signal: AbortSignal) => Promise<T>,
  kept: string,
): Promise<T | undefined> {
  const bar = new ProgressBar();
  const { signal, done } = interruptible(() => bar.line('stopping', process.stderr));
  try {
    return await work(bar, signal);
  } catch (error) {
    if (error !== signal.reason) throw error;
    bar.line(`Stopped; ${kept}`, process.stderr);
    process.exitCode = 130; // as the shell says of Ctrl-C
    return undefined;
  } finally {
    done();
    bar.clear();
  }
}
