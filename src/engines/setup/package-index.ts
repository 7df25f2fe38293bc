import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The Python package index used if pip's settings name no other. */
const PUBLIC = 'https://pypi.org/simple';

/**
 * Address of the package index that pip would use on Linux: `PIP_INDEX_URL`, else the last `index-url` in pip's
 * settings files (pip's documentation, "Configuration"), else the public index.
 */
export async function packageIndex(env: NodeJS.ProcessEnv = process.env, home = homedir()): Promise<string> {
  if (env.PIP_INDEX_URL) return env.PIP_INDEX_URL;
  let index = PUBLIC;
  for (const file of settingsFiles(env, home))
    index = indexUrl(await readFile(file, 'utf8').catch(() => '')) ?? index;
  return index;
}

/** pip's settings files, from global to the one that PIP_CONFIG_FILE names. */
function settingsFiles(env: NodeJS.ProcessEnv, home: string): string[] {
  const { PIP_CONFIG_FILE: named, VIRTUAL_ENV: environment } = env;
  if (named === '/dev/null') return [];
  return [
    ...(env.XDG_CONFIG_DIRS || '/etc/xdg').split(':').map((folder) => join(folder, 'pip', 'pip.conf')),
    '/etc/pip.conf',
    join(home, '.pip', 'pip.conf'),
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'pip', 'pip.conf'),
    ...(environment ? [join(environment, 'pip.conf')] : []),
    ...(named ? [named] : []),
  ];
}

/** `index-url` of a settings file; `[download]` takes precedence over `[global]`. */
function indexUrl(text: string): string | undefined {
  const found: Record<string, string> = {};
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    section = /^\[(.+)\]/.exec(line)?.[1] ?? section;
    const value = /^index[-_]url\s*[=:]\s*(\S+)/i.exec(line)?.[1];
    if (value) found[section] = value;
  }
  return found.download ?? found.global;
}
