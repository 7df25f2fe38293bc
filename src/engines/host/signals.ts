/**
 * Signals by which people, terminals and schedulers ask a process to end: Ctrl-C, `kill`, a terminal that closes, and the two by
 * which schedulers warn that the time is almost up.
 */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
