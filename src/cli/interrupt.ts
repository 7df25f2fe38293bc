/**
 * A signal that the first Ctrl-C (or SIGTERM) aborts; the second one ends the process at once.
 * @param onFirst called at the first
 */
export function interruptible(onFirst: () => void): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Error('interrupted'));
    onFirst();
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const name of signals) process.on(name, interrupt);
  return {
    signal: controller.signal,
    done: () => {
      for (const name of signals) process.off(name, interrupt);
    },
  };
}
