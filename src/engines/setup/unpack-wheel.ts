import { createWriteStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import * as yauzl from 'yauzl';
import { makeFolder } from '../../io/make-folder.ts';

/**
 * Unpacks a wheel (the binary distribution format of PyPA): packages and data go into the folder itself. Keeps
 * executable permissions.
 * @param omit files to leave out, by their paths in the folder
 */
export async function unpackWheel(path: string, folder: string, omit: readonly string[] = []): Promise<void> {
  const archive = await yauzl.openPromise(path, { lazyEntries: true });
  for await (const entry of archive.eachEntry()) {
    // NAME-VERSION.data/data/lib/x.so goes to lib/x.so
    const name = entry.fileName.replace(/^[^/]+\.data\/(?:purelib|platlib|data)\//, '');
    if (name.endsWith('/') || omit.includes(name)) continue;
    const target = join(folder, ...name.split('/'));
    await makeFolder(dirname(target));
    const permissions = entry.externalFileAttributes >>> 16;
    const mode = permissions & 0o111 ? 0o755 : 0o644;
    await pipeline(await archive.openReadStreamPromise(entry), createWriteStream(target, { mode }));
  }
}
