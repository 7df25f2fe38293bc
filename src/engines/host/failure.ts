/** What helps where memory runs out. */
const LESS_MEMORY =
  'fewer images at once take less memory: training.microBatch in a run, --images-at-once or --batch in other commands';

/** Signals by which the system ends a process whose native code went wrong. */
const CRASHES: readonly string[] = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE'];

/** The error of an engine whose process or thread has ended: how it ended, and what helps. @param what the engine's process */
export function engineEnded(what: string, code: number | null, signal: NodeJS.Signals | null): Error {
  if (signal === 'SIGKILL')
    return new Error(
      `${what} was killed (SIGKILL), as the system does where memory runs out; ${LESS_MEMORY}`,
    );
  if (signal !== null && CRASHES.includes(signal))
    return new Error(`${what} crashed (${signal}): --engine onnx computes with another library`);
  return new Error(`${what} ended (${signal ?? `exit status ${code}`})`);
}

/** The message of an engine's error, with what helps where memory ran out. */
export function withMemoryAdvice(message: string): string {
  return /out of memory|bad_alloc|memory limit|failed to allocate|allocation failed/i.test(message)
    ? `${message}; ${LESS_MEMORY}`
    : message;
}
