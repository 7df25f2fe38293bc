import { install, requirePlatform, type SetupOptions } from '../setup/install.ts';
import { librarySets } from '../setup/library-sets.ts';
import { installedLibrary, type Library, loadLibrary, requireOpenMp } from './library.ts';

/**
 * Installs oneDNN into the cache folder, where the engine looks after the system's folders, and tests it.
 * @returns the folder and the version
 * @throws an Error before any download if OpenMP's library is missing, a SetupError if oneDNN cannot be downloaded
 */
export async function setupOneDnn(
  options: Omit<SetupOptions, 'check'>,
): Promise<{ folder: string; version: Library['version'] }> {
  requirePlatform(librarySets.onednn, options);
  await requireOpenMp();
  let version!: Library['version'];
  const folder = await install(librarySets.onednn, {
    ...options,
    check: async (unpacked) => {
      ({ version } = await loadLibrary([installedLibrary(unpacked)]));
    },
  });
  return { folder, version };
}
