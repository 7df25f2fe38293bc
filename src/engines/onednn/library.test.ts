import { describe, expect, it } from 'vitest';
import { loadLibrary } from './library.ts';

describe('the library', () => {
  it('is one of the versions that the engine knows', async () => {
    const { major, minor } = (await loadLibrary()).version;
    expect([2, 3]).toContain(major);
    expect(major === 3 || minor >= 6).toBe(true);
  });

  it('says how to install it where it is missing', async () => {
    await expect(loadLibrary(['libnothing.so.7'])).rejects.toThrow(
      'the onednn engine needs oneDNN (libnothing.so.7); on Debian and Ubuntu: sudo apt-get install libdnnl2',
    );
  });
});
