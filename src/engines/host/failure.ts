/** Remedy for an out-of-memory error. */
const LESS_MEMORY =
  'fewer images at once take less memory: training.microBatch in a run, --images-at-once or --batch in other commands';

/** Signals that end a process after a fault of native code. */
const CRASHES: readonly string[] = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE'];

/**
 * The error for an engine whose process or thread ended: how it ended, and the remedy. @param what name of the
 * process or thread
 */
export function engineEnded(what: string, code: number | null, signal: NodeJS.Signals | null): Error {
  if (signal === 'SIGKILL')
    return new Error(
      `${what} was killed (SIGKILL), as the system does where memory runs out; ${LESS_MEMORY}`,
    );
  if (signal !== null && CRASHES.includes(signal))
    return new Error(`${what} crashed (${signal}): --engine onnx computes with another library`);
  return new Error(`${what} ended (${signal ?? `exit status ${code}`})`);
}

/** An engine's error message, with advice added if memory ran out. */
export function withMemoryAdvice(message: string): string {
  return /out of memory|bad_alloc|memory limit|failed to allocate|allocation failed/i.test(message)
    ? `${message}; ${LESS_MEMORY}`
    : message;
}
