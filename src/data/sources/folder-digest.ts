import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import { cacheFolder } from '../../io/cache-folder.ts';
import { type FileStamp, MISSING, stampOf } from '../../io/file-stamp.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { rng } from '../../random/rng.ts';
import { type FilePath, systemPath } from '../decode/read-file.ts';
import { inParallel } from '../load/parallel.ts';
import type { DigestOptions } from './dataset.ts';

/** A folder of more bytes is sampled. */
const WHOLE_BYTES = 1e9;
const SAMPLED_FILES = 256;

const AT_ONCE = 16; // files
const PAUSE = 200; // milliseconds from one report to the next
const WINDOW = 2 ** 20; // bytes of a file that are read at a time

/** Files below a folder, with their entries in the folder. */
export interface DigestedFiles {
  readonly folder: string;
  /** Names these files, in this state, on this machine. */
  readonly contentKey: string;
  /** Relative, with '/' between the parts, sorted. */
  readonly paths: readonly string[];
  readonly stamps: readonly FileStamp[];
  /** Where each lies. */
  readonly file: (index: number) => FilePath;
}

/**
 * The digest of files by names, sizes and SHA-256: of all of them up to 1 GB, beyond it of 256 files that a seed chooses. The last one of
 * a folder is kept in the cache, so that files which nobody has touched are read once. A file that cannot be read counts as such.
 * Rejects with the signal's reason, and with the system's error when it has no more open files.
 */
export async function folderDigest(
  files: DigestedFiles,
  { onProgress = () => {}, signal }: DigestOptions,
  cache = cacheFolder(),
): Promise<string> {
  const kept = keptDigest(cache, files.folder);
  const [state, known] = (await readFile(kept, 'utf8').catch(() => '')).split('\n');
  if (state === files.contentKey && known && DIGEST.test(known)) return known;

  const chosen = choose(files.stamps);
  const total = chosen.reduce((sum, index) => sum + files.stamps[index]!.size, 0);
  const results = new Map<number, Digested>();
  let done = 0;
  let reported = Number.NEGATIVE_INFINITY;
  const report = (bytes: number) => {
    done += bytes;
    const now = performance.now();
    if (now - reported < PAUSE && done < total) return;
    reported = now;
    onProgress({ phase: 'digest', done, total });
  };
  report(0);
  await inParallel(chosen.length, AT_ONCE, signal ?? new AbortController().signal, async (i) => {
    const index = chosen[i]!;
    results.set(index, await digestFile(files.file(index), report, signal));
  });

  const hash = createHash('sha256');
  for (const [index, path] of files.paths.entries()) {
    const { size, sha256 } = results.get(index) ?? { size: files.stamps[index]!.size, sha256: '' };
    hash.update(`${path}\0${size}\0${sha256}\n`);
  }
  const digest = `${files.paths.length}-sha256-${hash.digest('hex').slice(0, 32)}`;
  const steady = chosen.every((index) => results.get(index)!.stamp === files.stamps[index]!.stamp);
  if (steady) await keep(kept, `${files.contentKey}\n${digest}\n`);
  return digest;
}

const DIGEST = /^\d+-sha256-[0-9a-f]{32}$/;

function keptDigest(cache: string, folder: string): string {
  const name = createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 32);
  return join(digestFolder(cache), `${name}.txt`);
}

/** Where digests are kept. */
export function digestFolder(cache = cacheFolder()): string {
  return join(cache, 'digests');
}

/** The files that are read. */
function choose(stamps: readonly FileStamp[]): readonly number[] {
  const bytes = stamps.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= WHOLE_BYTES) return [...stamps.keys()];
  return [...rng(0, 'digest').permutation(stamps.length).subarray(0, SAMPLED_FILES)];
}

interface Digested {
  readonly size: number;
  readonly sha256: string;
  /** Of the file when it had been read; none where that failed. */
  readonly stamp?: string;
}

async function digestFile(
  path: FilePath,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<Digested> {
  try {
    const handle = await open(systemPath(path));
    try {
      const hash = createHash('sha256');
      const window = Buffer.allocUnsafe(WINDOW);
      let size = 0;
      for (let read = -1; read !== 0; size += read) {
        signal?.throwIfAborted();
        read = (await handle.read(window, 0, WINDOW, size)).bytesRead;
        hash.update(window.subarray(0, read));
        onBytes(read);
      }
      const { stamp } = stampOf(await handle.stat({ bigint: true }));
      return { size, sha256: hash.digest('hex'), stamp };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Not the file's fault: it would make another data set of the same files.
    if (code === undefined || code === 'EMFILE' || code === 'ENFILE') throw error;
    return { size: 0, sha256: 'unreadable', ...(code === 'ENOENT' && { stamp: MISSING }) };
  }
}

/** A cache that cannot be written to costs time, nothing else. */
async function keep(path: string, text: string): Promise<void> {
  try {
    await makeFolder(dirname(path));
    await writeFileAtomic(path, text);
  } catch {}
}
