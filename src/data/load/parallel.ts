import { setImmediate } from 'node:timers/promises';

const BREATH = 8; // milliseconds

/**
 * Runs task(0) … task(n − 1), `concurrency` at a time, and lets timers and messages through every few milliseconds,
 * even when the tasks never wait.
 * Rejects with the first error, or with the signal's reason; no further task is begun then.
 */
export async function inParallel(
  n: number,
  concurrency: number,
  signal: AbortSignal,
  task: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let pause = performance.now() + BREATH;
  let breath: Promise<void> | undefined; // one for all, lest they take turns at holding up the rest
  const breathe = async () => {
    await setImmediate();
    pause = performance.now() + BREATH;
    breath = undefined;
  };
  const work = async () => {
    try {
      while (next < n) {
        signal.throwIfAborted();
        await task(next++);
        if (performance.now() > pause) {
          breath ??= breathe();
          await breath;
        }
      }
    } catch (error) {
      next = n;
      throw error;
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, n) }, work));
}
