/** Of `prctl`: the signal that a process gets when its parent ends. */
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/**
 * Has Linux end this process when the one that started it ends, however that ends and whatever is computed here: while oneDNN
 * works, nothing else here could notice.
 */
export async function endWithParent(): Promise<void> {
  try {
    const { default: koffi } = await import('koffi');
    const prctl = koffi.load('libc.so.6').func('int prctl(int, unsigned long)');
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  } catch {
    // Without the package or that library, the engine itself says what is missing when it starts.
  }
}
