/** Milliseconds in which signals count as one: npm hands a Ctrl-C on that its child has got already. */
const TOGETHER = 300;

const signals = ['SIGINT', 'SIGTERM'] as const;

/**
 * A signal that the first Ctrl-C (or SIGTERM) aborts; the second one ends the process at once.
 * @param onFirst called at the first
 */
export function interruptible(onFirst: () => void): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  let first = 0;
  const stop = () => {
    for (const name of signals) process.off(name, interrupt);
  };
  const interrupt = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      first = performance.now();
      controller.abort(new Error('interrupted'));
      onFirst();
    } else if (performance.now() - first > TOGETHER) {
      stop();
      process.kill(process.pid, name); // not `process.exit`, in which a working engine crashes
    }
  };
  for (const name of signals) process.on(name, interrupt);
  return { signal: controller.signal, done: stop };
}
