import { homedir } from 'node:os';
import system from 'node:path';

/** A path with the home folder in place of a leading `~`. @param paths those of the system */
export function homePath(text: string, paths: Pick<typeof system, 'join' | 'sep'> = system): string {
  const inHome = text === '~' || text.startsWith('~/') || text.startsWith(`~${paths.sep}`);
  return inHome ? paths.join(homedir(), text.slice(1)) : text;
}
