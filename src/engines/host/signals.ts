/**
 * Signals by which users, terminals and schedulers ask a process to end: Ctrl-C, `kill`, a closed terminal,
 * Ctrl-Break on Windows, and the two that schedulers send shortly before a time limit. A listener for a signal that
 * the system does not support has no effect.
 */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * Ends this process by the signal's default action. On Windows a process cannot send some signals to itself: there it
 * exits.
 */
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
