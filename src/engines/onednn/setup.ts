import { install, requirePlatform, type SetupOptions } from '../setup/install.ts';
import { librarySets } from '../setup/library-sets.ts';
import { installedLibrary, type Library, loadLibrary, requireOpenMp } from './library.ts';

/**
 * Installs oneDNN into the cache folder, where the engine finds it after the system's own, and tries it.
 * @returns the folder and the version
 * Throws an Error, before anything is fetched, where OpenMP's library is missing, and a SetupError where oneDNN cannot be fetched.
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
