import type { BigIntStats, Dirent } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { type FileStamp, MISSING, stampOf } from '../../io/file-stamp.ts';
import { type FilePath, specialKind, systemPath } from '../decode/read-file.ts';
import { pathIn, shownName } from './file-names.ts';
import type { LeftOut } from './left-out.ts';

/** A file that was found. */
export interface FoundFile {
  /** Its path as text, relative to the folder that was searched, with '/' between the parts. */
  readonly path: string;
  readonly file: FilePath;
  /** Size and state; a link that leads nowhere has 0 bytes. */
  readonly stamp: FileStamp;
}

export interface WalkOptions {
  readonly leftOut: LeftOut;
  /** Called with every file. */
  readonly onFile: (file: FoundFile) => void | Promise<void>;
  /** Called with the path of every folder below the first. */
  readonly onFolder: (path: string) => void;
  readonly signal?: AbortSignal | undefined;
}

interface Place {
  readonly path: string;
  readonly file: FilePath;
}

const AT_ONCE = 64;

/**
 * Finds all regular files below a folder, each once: folders and files are known by device and inode (or true path), so that links and second names
 * of files that were met before are left out. Links are followed last, in the order of their paths, so that a file keeps the name under which
 * it really lies. Nothing is opened but folders. Names that begin with a dot are passed over, and folders of runs, whose pictures are
 * made of images.
 * Rejects with the system's error where the folder itself cannot be read, and with the signal's reason.
 */
export async function walk(folder: string, options: WalkOptions): Promise<void> {
  const walker = new Walker(options);
  await walker.folder({ path: '', file: folder });
  await walker.followLinks();
}

function holdsRun(folders: readonly Place[], files: readonly Place[]): boolean {
  const has = (places: readonly Place[], name: string) =>
    places.some(({ path }) => path.slice(path.lastIndexOf('/') + 1) === name);
  return has(folders, 'checkpoints') && has(files, 'config.json') && has(files, 'metrics.jsonl');
}

class Walker {
  readonly #options: WalkOptions;
  readonly #known = new Set<string>();
  #links: Place[] = [];

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  /** All below a folder, without the links. */
  async folder(start: Place, found?: BigIntStats): Promise<void> {
    const { leftOut, onFolder, signal } = this.#options;
    const folders: [Place, BigIntStats | undefined][] = [[start, found]];
    for (let next = folders.pop(); next; next = folders.pop()) {
      const [place] = next;
      try {
        const stats = next[1] ?? (await stat(systemPath(place.file), { bigint: true }));
        if (!(await this.#isNew(stats, place.file))) {
          leftOut.repeat();
          continue;
        }
        const { below, files } = await this.#entries(place);
        if (place.path !== '' && holdsRun(below, files)) {
          leftOut.special('run folder', place.path);
          continue;
        }
        if (place.path !== '') onFolder(place.path);
        for (const each of below.reverse()) folders.push([each, undefined]);
        await this.#files(files);
      } catch (error) {
        signal?.throwIfAborted();
        if (place.path === '') throw error;
        leftOut.unreadable(place.path, error);
      }
    }
  }

  async followLinks(): Promise<void> {
    const { signal } = this.#options;
    while (this.#links.length > 0) {
      const links = this.#links.sort((a, b) => (a.path < b.path ? -1 : 1));
      this.#links = [];
      for (const link of links) {
        signal?.throwIfAborted();
        const target = await stat(systemPath(link.file), { bigint: true }).catch(() => undefined);
        if (target?.isDirectory()) await this.folder(link, target);
        else await this.#found(link, target);
      }
    }
  }

  async #entries({ path, file }: Place): Promise<{ below: Place[]; files: Place[] }> {
    const { signal } = this.#options;
    const below: Place[] = [];
    const files: Place[] = [];
    // The declarations know names as text only.
    const open = opendir as unknown as (
      path: string | Buffer,
      options: { encoding: 'buffer'; bufferSize: number },
    ) => Promise<AsyncIterable<Dirent<Buffer>>>;
    for await (const entry of await open(systemPath(file), { encoding: 'buffer', bufferSize: 256 })) {
      signal?.throwIfAborted();
      if (entry.name[0] === 0x2e) continue; // a dot
      const name = shownName(entry.name);
      const place = { path: path === '' ? name : `${path}/${name}`, file: pathIn(file, entry.name) };
      if (entry.isDirectory()) below.push(place);
      else if (entry.isSymbolicLink()) this.#links.push(place);
      else files.push(place);
    }
    const byPath = (a: Place, b: Place) => (a.path < b.path ? -1 : 1);
    return { below: below.sort(byPath), files: files.sort(byPath) };
  }

  async #files(places: readonly Place[]): Promise<void> {
    for (let i = 0; i < places.length; i += AT_ONCE) {
      this.#options.signal?.throwIfAborted();
      const some = places.slice(i, i + AT_ONCE);
      const stats = await Promise.all(
        some.map(({ file }) => stat(systemPath(file), { bigint: true }).catch(() => undefined)),
      );
      await Promise.all(some.map((place, k) => this.#found(place, stats[k])));
    }
  }

  async #found({ path, file }: Place, stats: BigIntStats | undefined): Promise<void> {
    const { leftOut, onFile } = this.#options;
    if (!stats) return onFile({ path, file, stamp: { size: 0, stamp: MISSING } });
    const kind = specialKind(stats);
    if (kind !== undefined) leftOut.special(kind, path);
    else if (!(await this.#isNew(stats, file))) leftOut.repeat();
    else await onFile({ path, file, stamp: stampOf(stats) });
  }

  async #isNew({ dev, ino }: BigIntStats, file: FilePath): Promise<boolean> {
    // Some network disks of Windows number no file.
    const key = ino === 0n ? await realpath(systemPath(file), 'latin1') : `${dev}:${ino}`;
    const before = this.#known.size;
    return this.#known.add(key).size > before;
  }
}
