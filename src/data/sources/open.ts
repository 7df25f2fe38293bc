import { homedir } from 'node:os';
import system from 'node:path';
import { DataError } from '../error.ts';
import { openCifar10 } from './cifar10.ts';
import type { FetchOptions } from './cifar10-fetch.ts';
import type { Dataset } from './dataset.ts';
import { openClassFolders, openFolder } from './folder.ts';
import { openPacked } from './packed.ts';

type Paths = Pick<typeof system, 'join' | 'resolve' | 'sep'>;

const SPECS = 'cifar10, cifar10:train, cifar10:test, a folder, folder:PATH, classes:PATH or packed:PATH';

/**
 * Opens a data set by its name on the command line:
 * `cifar10` (training images, judged on the test images), `cifar10:train` (the same, judged on a share that is held out) and
 * `cifar10:test`; `folder:PATH`, all images under a folder, without classes;
 * `classes:PATH`, a sub-folder for each class; `packed:PATH`, what `data pack` wrote; any other text is the path of a folder, as with `folder:`.
 * A path may begin with `~`, the home folder, which shells leave alone after a colon.
 * CIFAR-10 is fetched when it is not in the cache; of other images the cache keeps digests.
 * Rejects with a DataError that says what is wrong and what to do.
 */
export async function openDataset(spec: string, options: FetchOptions = {}): Promise<Dataset> {
  if (spec === 'cifar10' || spec === 'cifar10:train') return openCifar10('train', options);
  if (spec === 'cifar10:test') return openCifar10('test', options);
  const { onProgress, onNote, signal } = options;
  const onFound = (done: number) => onProgress?.({ phase: 'search', done, total: 0 });
  const search = { onFound, onNote, signal, cache: options.cache };
  if (spec.startsWith('classes:')) return openClassFolders(homePath(spec.slice('classes:'.length)), search);
  if (spec.startsWith('packed:')) return openPacked(homePath(spec.slice('packed:'.length)));
  if (spec.startsWith('folder:')) return openFolder(homePath(spec.slice('folder:'.length)), search);
  if (spec === '') throw new DataError(`the data must be named: ${SPECS}; got nothing`);
  return openFolder(homePath(spec), search);
}

/** Whether a name is that of a data set by its form, and not the path of a file or folder. */
export function isSpec(name: string): boolean {
  return /^(cifar10(:train|:test)?$|(classes|packed|folder):)/.test(name);
}

/** The same source with an absolute path, for programs that run elsewhere; sources without a path are left as they are. */
export function absoluteSource(spec: string, paths: Paths = system): string {
  if (spec === '' || /^cifar10(:|$)/.test(spec)) return spec;
  const [, scheme = '', rest] = /^((?:folder|classes|packed):)?(.*)$/s.exec(spec)!;
  return `${scheme}${paths.resolve(homePath(rest!, paths))}`;
}

/** A path with the home folder in place of a leading `~`. @param paths those of the system */
export function homePath(text: string, paths: Paths = system): string {
  const inHome = text === '~' || text.startsWith('~/') || text.startsWith(`~${paths.sep}`);
  return inHome ? paths.join(homedir(), text.slice(1)) : text;
}
