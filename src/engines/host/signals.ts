/**
 * Signals by which people, terminals and schedulers ask a process to end: Ctrl-C, `kill`, a terminal that closes, Ctrl-Break on
 * Windows, and the two by which schedulers warn that the time is almost up. Listening to one that the system does not know does nothing.
 */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK', 'SIGUSR1', 'SIGUSR2'] as const;

/** Ends this process as if nobody had listened to a signal. On Windows some come that no process can send: there it exits. */
export function endBySignal(
  signal: NodeJS.Signals,
  self: Pick<NodeJS.Process, 'pid' | 'kill' | 'exit'> = process,
): void {
  try {
    self.kill(self.pid, signal);
  } catch {
    self.exit(1);
  }
}
