/**
 * Ends this process at once, as `process.exit` does, but also where one of its threads waits in MPI: `process.exit` would wait
 * for the thread.
 * @param status exit status
 */
export async function endProcess(status: number): Promise<void> {
  const koffi = await import('koffi').catch(() => undefined); // without it no thread waits in MPI
  if (!koffi) process.exit(status);
  process.exitCode = status;
  process.emit('exit', status);
  koffi.default.load(null).func('void _exit(int status)')(status);
}
