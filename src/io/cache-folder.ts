import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The folder for downloaded data: `$BEYOND_MASKING_CACHE` if set, else `beyond-masking` in the platform's cache
 * folder (`$XDG_CACHE_HOME` or ~/.cache, ~/Library/Caches, %LOCALAPPDATA%). It may not exist.
 */
export function cacheFolder(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home = homedir(),
): string {
  if (env.BEYOND_MASKING_CACHE) return env.BEYOND_MASKING_CACHE;
  return join(caches(env, platform, home), 'beyond-masking');
}

function caches(env: NodeJS.ProcessEnv, platform: NodeJS.Platform, home: string): string {
  if (platform === 'win32') return env.LOCALAPPDATA || join(home, 'AppData', 'Local');
  if (platform === 'darwin') return join(home, 'Library', 'Caches');
  return env.XDG_CACHE_HOME || join(home, '.cache');
}
