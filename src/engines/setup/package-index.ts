import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The Python package index where pip's settings name no other. */
const PUBLIC = 'https://pypi.org/simple';

/**
 * Address of the package index that pip would use on Linux: `PIP_INDEX_URL`, else `index-url` of pip's last file of settings
 * that has one (pip's documentation, "Configuration"), else the public one.
 */
export async function packageIndex(env: NodeJS.ProcessEnv = process.env, home = homedir()): Promise<string> {
  if (env.PIP_INDEX_URL) return env.PIP_INDEX_URL;
  let index = PUBLIC;
  for (const file of settingsFiles(env, home))
    index = indexUrl(await readFile(file, 'utf8').catch(() => '')) ?? index;
  return index;
}

/** From the machine's to the named one. */
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

/** `index-url` of a file of settings; that of `[download]` wins over that of `[global]`. */
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
