/** Option of `prctl`: the signal sent to a process when its parent ends. */
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/**
 * Asks Linux to end this process when its parent ends for any reason. While oneDNN computes, this process could not
 * notice it otherwise.
 */
export async function endWithParent(): Promise<void> {
  try {
    const { default: koffi } = await import('koffi');
    const prctl = koffi.load('libc.so.6').func('int prctl(int, unsigned long)');
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  } catch {
    // If koffi or libc is missing, the engine reports it at its start.
  }
}
