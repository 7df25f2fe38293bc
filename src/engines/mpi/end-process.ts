/**
 * Ends this process at once, also where one of its threads waits in MPI: `process.exit` would wait for the thread.
 * @param status exit status
 */
export async function endProcess(status: number): Promise<void> {
  const { default: koffi } = await import('koffi');
  koffi.load(null).func('void _exit(int status)')(status);
}
