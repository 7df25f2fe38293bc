import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { DataError } from '../error.ts';
import { openCifar10 } from './cifar10.ts';
import type { FetchOptions } from './cifar10-fetch.ts';
import type { Dataset } from './dataset.ts';
import { openClassFolders, openFolder } from './folder.ts';
import { openPacked } from './packed.ts';

const SPECS = 'cifar10, cifar10:test, a folder, folder:PATH, classes:PATH or packed:PATH';

/**
 * Opens a data set by its name on the command line:
 * `cifar10` (training images) and `cifar10:test`; `folder:PATH`, all images under a folder, without classes;
 * `classes:PATH`, a sub-folder for each class; `packed:PATH`, what `data pack` wrote; any other text is the path of a folder, as with `folder:`.
 * A path may begin with `~`, the home folder, which shells leave alone after a colon.
 * The options concern CIFAR-10, which is fetched when it is not in the cache.
 * Rejects with a DataError that says what is wrong and what to do.
 */
export async function openDataset(spec: string, options: FetchOptions = {}): Promise<Dataset> {
  if (spec === 'cifar10' || spec === 'cifar10:train') return openCifar10('train', options);
  if (spec === 'cifar10:test') return openCifar10('test', options);
  if (spec.startsWith('classes:')) return openClassFolders(path(spec.slice('classes:'.length)));
  if (spec.startsWith('packed:')) return openPacked(path(spec.slice('packed:'.length)));
  if (spec.startsWith('folder:')) return openFolder(path(spec.slice('folder:'.length)));
  if (spec === '') throw new DataError(`the data must be named: ${SPECS}; got nothing`);
  return openFolder(path(spec));
}

/** The same source with an absolute path, for programs that run elsewhere; sources without a path are left as they are. */
export function absoluteSource(spec: string): string {
  if (spec === '' || /^cifar10(:|$)/.test(spec)) return spec;
  const [, scheme = '', rest] = /^((?:folder|classes|packed):)?(.*)$/s.exec(spec)!;
  return `${scheme}${resolve(path(rest!))}`;
}

/** A path with the home folder in place of a leading `~`. */
function path(text: string): string {
  return text === '~' || text.startsWith('~/') ? join(homedir(), text.slice(1)) : text;
}
