import { interruptible } from './interrupt.ts';
import { ProgressBar } from './progress-bar.ts';
import { duration } from './table.ts';

/** What a library call takes to be watched and stopped. */
export interface Watched {
  readonly onProgress: (what: string, done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Does something of several stages under a progress bar; Ctrl-C ends it.
 * @param kept what Ctrl-C leaves, for people
 */
export async function withProgress<T>(
  work: (watched: Watched) => Promise<T>,
  kept = 'what was computed is kept: the same command goes on from it',
): Promise<T | undefined> {
  const bar = new ProgressBar();
  let stage = '';
  let started = 0;
  let first = 0;
  const onProgress = (what: string, done: number, total: number) => {
    if (what !== stage) [stage, started, first] = [what, performance.now(), done];
    const seconds = (performance.now() - started) / 1000;
    const left = done > first ? `  ${duration(((total - done) * seconds) / (done - first))} left` : '';
    bar.update(done / total, `${what}  ${done}/${total}${left}`);
  };
  const { signal, done } = interruptible(() => bar.line('stopping', process.stderr));
  try {
    return await work({ onProgress, signal });
  } catch (error) {
    if (error !== signal.reason) throw error;
    bar.line(`stopped; ${kept}`, process.stderr);
    process.exitCode = 130; // as the shell says of Ctrl-C
    return undefined;
  } finally {
    done();
    bar.clear();
  }
}
