import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cacheFolder } from './cache-folder.ts';

it.each([
  [{ BEYOND_MASKING_CACHE: '/data/cache', XDG_CACHE_HOME: '/x' }, 'linux', '/data/cache'],
  [{ XDG_CACHE_HOME: '/x' }, 'linux', join('/x', 'beyond-masking')],
  [{}, 'linux', join('/home/me', '.cache', 'beyond-masking')],
  [{ BEYOND_MASKING_CACHE: '', XDG_CACHE_HOME: '' }, 'linux', join('/home/me', '.cache', 'beyond-masking')],
  [{}, 'darwin', join('/home/me', 'Library', 'Caches', 'beyond-masking')],
  [{ LOCALAPPDATA: '/local' }, 'win32', join('/local', 'beyond-masking')],
] as const)('%o on %s: %s', (env, platform, expected) => {
  expect(cacheFolder(env, platform, '/home/me')).toBe(expected);
});
