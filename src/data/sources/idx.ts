import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { plural } from '../../text/plural.ts';
import { DataError } from '../error.ts';
import type { Dataset } from './dataset.ts';
import { type IdxArray, readIdx } from './idx-file.ts';
import type { SourceScheme } from './scheme.ts';

type Part = 'train' | 'test';

/** Files of images as MNIST, EMNIST, KMNIST and Fashion-MNIST name them. */
const NAMES: Readonly<Record<Part, RegExp>> = {
  train: /(^|[-_])train-images[-.]idx[34]-ubyte(\.gz)?$/,
  test: /(^|[-_])(t10k|test)-images[-.]idx[34]-ubyte(\.gz)?$/,
};

/**
 * Opens images of IDX files, with their labels where these lie beside them. All are held in memory.
 * @param spec a file of images, or a folder with one such file for each part; with `@test` its test images
 * Rejects with a DataError where there is no file, or more than one, and for broken ones.
 */
export async function openIdx(spec: string): Promise<Dataset> {
  const { path, part } = partOf(spec);
  const file = imagesFile(path, part);
  const { shape, data } = await readIdx(file);
  const [length, height, width, channels = 1] = shape as [number, number, number, number?];
  if (shape.length < 3 || length * height * width * channels === 0)
    throw new DataError(
      `${file}: images must be [images, height, width] or [images, height, width, channels], got ${shape.join(' × ')}: name the file of images`,
    );
  const annotations = await labelsOf(file, length);
  const size = height * width * channels;
  const hash = createHash('sha256').update(data);
  if (annotations) hash.update(annotations.labels);
  return {
    name: `idx:${spec}`,
    length,
    contentKey: `${length}-${hash.digest('hex').slice(0, 16)}`,
    ...annotations,
    id: (index) => `${part} image ${index}`,
    image: (index) => ({ width, height, channels, data: data.subarray(index * size, (index + 1) * size) }),
  };
}

function partOf(spec: string): { readonly path: string; readonly part: Part } {
  return spec.endsWith('@test')
    ? { path: spec.slice(0, -'@test'.length), part: 'test' }
    : { path: spec, part: 'train' };
}

/** The file of images of a part. Throws a DataError where none or several can be meant. */
function imagesFile(path: string, part: Part): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new DataError(`the data folder must exist, got '${path}'`);
  if (found.isFile()) return path;
  const names = readdirSync(path).sort();
  const images = names.filter((name) => NAMES[part].test(name));
  const distinct = images.filter(
    (name) => !name.endsWith('.gz') || !images.includes(name.slice(0, -'.gz'.length)),
  );
  if (distinct.length === 1) return join(path, distinct[0]!);
  const example = part === 'train' ? 'train-images-idx3-ubyte.gz' : 't10k-images-idx3-ubyte.gz';
  const got = distinct.length > 1 ? distinct.join(', ') : names.slice(0, 6).join(', ') || 'nothing';
  throw new DataError(
    `a folder of IDX files must hold one file of ${part} images such as ${example}, got ${got} in '${path}'` +
      (distinct.length > 1 ? ': name one of the files' : ''),
  );
}

/** Labels and names of classes; undefined where no file of labels lies beside the images. */
async function labelsOf(
  file: string,
  length: number,
): Promise<{ labels: Int32Array; classes: string[] } | undefined> {
  const base = basename(file)
    .replace(/\.gz$/, '')
    .replace('images', 'labels')
    .replace(/idx[34]/, 'idx1');
  if (base === basename(file).replace(/\.gz$/, '')) return undefined;
  const path = [base, `${base}.gz`]
    .map((name) => join(dirname(file), name))
    .find((name) => statSync(name, { throwIfNoEntry: false }));
  if (path === undefined) return undefined;
  const { shape, data }: IdxArray = await readIdx(path);
  if (shape.length !== 1 || shape[0] !== length)
    throw new DataError(
      `${path}: there must be a label for each of ${plural(length, 'image')}, got ${shape.join(' × ')}: fetch the files again`,
    );
  return { labels: Int32Array.from(data), classes: await classNames(dirname(file), data) };
}

/** Names from `classes.txt`, a line each; else numbers. Throws a DataError where a label has no name. */
async function classNames(folder: string, labels: Uint8Array): Promise<string[]> {
  const last = labels.reduce((most, label) => Math.max(most, label), 0);
  const file = join(folder, 'classes.txt');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return Array.from({ length: last + 1 }, (_, label) => `${label}`);
  const names = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (names.length <= last)
    throw new DataError(
      `${file}: there must be a name for each label from 0 to ${last}, got ${plural(names.length, 'name')}: add the missing lines`,
    );
  return names;
}

/** The test images that belong to a folder; undefined where there are none. */
function testPart(spec: string): string | undefined {
  const { path, part } = partOf(spec);
  if (part === 'test') return undefined;
  try {
    if (!statSync(path).isDirectory()) return undefined;
    imagesFile(path, 'test');
    return `idx:${path}@test`;
  } catch {
    return undefined; // opening the images reports it
  }
}

/** IDX files in the table of sources. */
export const idx: SourceScheme = {
  scheme: 'idx',
  argument: 'FOLDER',
  help: 'IDX files as those of MNIST and Fashion-MNIST, with their labels, packed by gzip or not; FOLDER@test for the test images; or one file',
  example: 'idx:/usr/share/datasets/fashion-mnist',
  labelled: true,
  open: (spec) => openIdx(spec),
  testSet: testPart,
};
