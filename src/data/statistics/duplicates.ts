import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { whole } from '../decode/crop.ts';
import { cropResize } from '../decode/resize.ts';
import type { Dataset, RawImage } from '../sources/dataset.ts';

/** How reading is watched and stopped. */
export interface ReadingWatch {
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of files that are read to compare them. */
const MOST_BYTES = 2 ** 30;

/**
 * Groups of names of equal images: of all files, by size and then SHA-256; of images in memory by their pixels; of others those at
 * `chosen`. Files that cannot be read are passed over.
 */
export async function exactDuplicates(
  dataset: Dataset,
  chosen: readonly number[],
  { onProgress, signal }: ReadingWatch,
): Promise<string[][]> {
  const first = dataset.source?.(0);
  if (first?.kind === 'file') return equalFiles(dataset, onProgress, signal);
  const indices = first === undefined ? Array.from({ length: dataset.length }, (_, i) => i) : chosen;
  const groups = new Map<string, string[]>();
  for (const index of indices) {
    signal?.throwIfAborted();
    const image = await Promise.resolve(dataset.image(index)).catch(() => undefined);
    if (!image) continue;
    const { width, height, channels, data } = image;
    const key = createHash('sha256').update(`${width} ${height} ${channels}\n`).update(data).digest('hex');
    groups.set(key, [...(groups.get(key) ?? []), dataset.id(index)]);
  }
  return several(groups);
}

async function equalFiles(
  { length, source, id }: Dataset,
  onProgress: ReadingWatch['onProgress'],
  signal: AbortSignal | undefined,
): Promise<string[][]> {
  const bySize = new Map<number, number[]>();
  const fileOf = (index: number) => {
    const from = source!(index);
    return from.kind === 'file' ? from.file : undefined;
  };
  for (let index = 0; index < length; index++) {
    if (index % 1000 === 0) signal?.throwIfAborted();
    const file = fileOf(index);
    const size =
      file === undefined
        ? undefined
        : await stat(file as string).then(
            ({ size }) => size,
            () => undefined,
          );
    if (size) bySize.set(size, [...(bySize.get(size) ?? []), index]);
  }
  const equal = [...bySize].filter(([, indices]) => indices.length > 1);
  const total = equal.reduce((sum, [size, indices]) => sum + size * indices.length, 0);
  const groups = new Map<string, string[]>();
  let read = 0;
  for (const [size, indices] of equal)
    for (const index of indices) {
      signal?.throwIfAborted();
      if (read > MOST_BYTES) return several(groups);
      const key = await digest(fileOf(index) as string).catch(() => undefined);
      read += size;
      onProgress?.('comparing files of equal size', Math.min(read, total), total);
      if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), id(index)]);
    }
  return several(groups);
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

const several = (groups: ReadonlyMap<string, string[]>): string[][] =>
  [...groups.values()].filter(({ length }) => length > 1);

/** Side of the thumbnails that are compared. */
const SIDE = 16;
/** Two thumbnails are alike at this correlation and above, if they also differ by less than this in their root mean square, of 255. */
const [CORRELATION, DIFFERENCE] = [0.98, 5];
/** Thumbnails of a smaller deviation, of 255, show nothing. */
const FLAT = 3;

/** Finds images that look the same, such as copies in another size, format or quality: by thumbnails of 16 × 16 grey pixels. */
export class NearDuplicates {
  readonly #thumbnails: {
    readonly name: string;
    readonly values: Float64Array;
    readonly deviation: number;
    readonly mean: number;
  }[] = [];

  add(image: RawImage, name: string): void {
    const window = whole([SIDE, SIDE]);
    const { data, channels } = cropResize(image, {
      box: whole([image.height, image.width]),
      resized: [SIDE, SIDE],
      window,
      flip: false,
    });
    const grey = Float64Array.from({ length: SIDE * SIDE }, (_, i) => {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += data[i * channels + c]!;
      return sum / channels;
    });
    const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
    const values = grey.map((value) => value - mean);
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
    if (deviation >= FLAT) this.#thumbnails.push({ name, values, deviation, mean });
  }

  /** Groups of names, without the groups whose images are all in one of `exact`. */
  groups(exact: readonly (readonly string[])[] = []): string[][] {
    const all = this.#thumbnails;
    const leader = all.map((_, i) => i);
    const root = (i: number): number => (leader[i] === i ? i : root(leader[i]!));
    for (let i = 0; i < all.length; i++)
      for (let j = 0; j < i; j++) if (alike(all[i]!, all[j]!)) leader[root(i)] = root(j);
    const found = new Map<string, string[]>();
    for (const [i, { name }] of all.entries()) {
      const key = `${root(i)}`;
      found.set(key, [...(found.get(key) ?? []), name]);
    }
    const same = (names: readonly string[]) =>
      exact.some((group) => names.every((name) => group.includes(name)));
    return several(found).filter((names) => !same(names));
  }
}

type Thumbnail = { readonly values: Float64Array; readonly deviation: number; readonly mean: number };

function alike(a: Thumbnail, b: Thumbnail): boolean {
  const most = Math.max(a.deviation, b.deviation);
  if (Math.abs(a.mean - b.mean) > DIFFERENCE || most > 1.2 * Math.min(a.deviation, b.deviation)) return false;
  let product = 0;
  for (let i = 0; i < a.values.length; i++) product += a.values[i]! * b.values[i]!;
  const mean = product / a.values.length;
  if (mean < CORRELATION * a.deviation * b.deviation) return false;
  return a.deviation ** 2 + b.deviation ** 2 - 2 * mean + (a.mean - b.mean) ** 2 < DIFFERENCE ** 2;
}
