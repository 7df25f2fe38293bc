import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTemporaries, writeFileAtomic } from '../../io/atomic.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { upright } from '../augment/image.ts';
import { type Crop, type Size, whole } from '../decode/crop.ts';
import { decodeView } from '../decode/decode.ts';
import { type Reading, requireChannels } from '../decode/reading.ts';
import { cropResize } from '../decode/resize.ts';
import { DataError } from '../error.ts';
import type { BrokenImages } from '../load/broken.ts';
import { compare, identify, takenByOutline } from './content.ts';
import type { Dataset, DigestOptions, RawImage } from './dataset.ts';
import { isEncoded } from './image-source.ts';
import { checksum, INDEX, type PackIndex, parse } from './packed.ts';

const UNFINISHED = 'unfinished.json';
const SHARD_BYTES = 2 ** 31;
const AT_ONCE = 16; // images that are decoded ahead of the one being written

/** Settings of `packImages`. */
export interface PackOptions {
  /** Larger images are shrunk until their shorter side has this number of pixels (bicubic); 0 keeps every size. */
  readonly resize: number;
  /** Channels of the model that will read the pack, 3 by default: images of others are left out. */
  readonly channels?: number;
  /** The samples of TIFF files and 16-bit PNGs that mean 0 and 1: see `Reading`. */
  readonly range?: Reading['range'];
  /** Images that cannot be read are left out and noted here. */
  readonly broken: BrokenImages;
  /** A shard ends when it has at least this number of bytes, by default 2 GiB. */
  readonly shardBytes?: number;
  readonly onProgress?: (progress: PackProgress) => void;
  /** Called before, while the images are read to know their content. */
  readonly onDigest?: DigestOptions['onProgress'];
  /** Called with notes for the user about an existing pack. */
  readonly onNote?: (message: string) => void;
  /** Stops at the next image; what is packed so far is kept for the next call. */
  readonly signal?: AbortSignal;
}

/** How far packing has come. */
export interface PackProgress {
  readonly done: number;
  readonly total: number;
  /** Images that an earlier, interrupted call had packed. */
  readonly resumed: number;
}

/** Result of packing. */
export interface PackResult {
  readonly images: number;
  readonly bytes: number;
  /** True if the folder had it already. */
  readonly existed: boolean;
}

/**
 * Writes the decoded, shrunk images of a data set into `folder`, for `openPacked`. Shards and the index are
 * written atomically, the index last; an interrupted call is taken up where it was, a killed one after its last shard.
 * Rejects with a DataError when the folder holds anything else, or no image can be read; with the signal's reason.
 */
export async function packImages(
  dataset: Dataset,
  folder: string,
  options: PackOptions,
): Promise<PackResult> {
  const { resize, onProgress = () => {}, signal } = options;
  if (!Number.isInteger(resize) || resize < 0)
    throw new RangeError(`images are shrunk to a whole number of pixels, got ${resize}`);
  await makeFolder(folder);
  const path = join(folder, UNFINISHED);
  const begun = await begin(dataset, folder, options);
  if (begun.existed) return { ...sizeOf(begun.index), existed: true };
  const { index } = begun;
  let { next } = begun;
  const resumed = next;
  while (next < dataset.length) {
    const shard = { file: `pixels-${`${index.shards.length}`.padStart(5, '0')}.bin`, images: 0, bytes: 0 };
    const { images } = index;
    const pixels = async function* () {
      for await (const { i, image } of decoded(dataset, next, options)) {
        next = i + 1;
        onProgress({ done: next, total: dataset.length, resumed });
        if (image) {
          shard.images++;
          shard.bytes += image.data.length;
          images.names.push(dataset.id(i));
          images.widths.push(image.width);
          images.heights.push(image.height);
          images.checksums.push(checksum(image.data));
          if (dataset.labels) images.labels?.push(dataset.labels[i]!);
          yield image.data;
        }
        if (shard.bytes >= (options.shardBytes ?? SHARD_BYTES) || signal?.aborted) return;
      }
    };
    const file = join(folder, shard.file);
    await writeFileAtomic(file, pixels());
    if (shard.images > 0) index.shards.push(shard);
    else await rm(file);
    await writeFileAtomic(path, JSON.stringify({ ...index, next }));
    signal?.throwIfAborted();
  }
  const size = sizeOf(index);
  if (size.images === 0)
    throw new DataError(`no image of '${dataset.name}' can be read, so there is nothing to pack`);
  await writeFileAtomic(join(folder, INDEX), JSON.stringify(index));
  await rm(path, { force: true });
  return { ...size, existed: false };
}

function sizeOf({ shards }: PackIndex) {
  return {
    images: shards.reduce((sum, shard) => sum + shard.images, 0),
    bytes: shards.reduce((sum, shard) => sum + shard.bytes, 0),
  };
}

/** The index so far and the next image. */
async function begin(
  dataset: Dataset,
  folder: string,
  { resize, channels = 3, range, onDigest, onNote = () => {}, signal }: PackOptions,
): Promise<{ index: PackIndex; next: number; existed: boolean }> {
  await removeTemporaries(folder);
  const others = await readdir(folder);
  const file = [INDEX, UNFINISHED].find((name) => others.includes(name));
  const foreign = others.find((each) => !/^pixels-\d+\.bin$/.test(each));
  if (file === undefined && foreign !== undefined)
    throw new DataError(`a pack needs an empty folder, got '${folder}' with '${foreign}'`);
  const watched = { ...(onDigest && { onProgress: onDigest }), ...(signal && { signal }) };
  const sourceKey = await identify(dataset, watched);
  const sourceOutline = dataset.content?.outline;
  const keys = { sourceKey, ...(sourceOutline !== undefined && { sourceOutline }) };
  for (const kind of ['masks', 'boxes'] as const)
    if (dataset[kind]) onNote(`a pack holds pictures and their classes: the ${kind} are left out`);
  if (file === undefined) {
    const { name, classes, labels } = dataset;
    const images = { names: [], widths: [], heights: [], checksums: [], ...(labels && { labels: [] }) };
    const about = {
      source: name,
      ...keys,
      resize,
      channels,
      range,
      ...(classes && { classes: [...classes] }),
    };
    const index = { format: 'beyond-masking pack', version: 1, ...about, shards: [], images } as const;
    return { index: structuredClone(index) as unknown as PackIndex, next: 0, existed: false };
  }
  const path = join(folder, file);
  const text = await readFile(path, 'utf8');
  const index = parse(text, path);
  const { next } = JSON.parse(text) as { next?: number };
  const comparison = compare(index.sourceKey, sourceKey, dataset);
  const settings = (each: Pick<PackIndex, 'resize' | 'channels' | 'range'>) =>
    JSON.stringify([each.resize, each.channels, each.range]);
  const sameSettings = settings(index) === settings({ resize, channels, range });
  if (comparison === 'other' || !sameSettings)
    throw new DataError(
      `'${folder}' holds a pack of '${index.source}' with --resize ${index.resize}, whose images are others: choose another folder, or delete it`,
    );
  if (comparison !== 'same') {
    onNote(`the pack in '${folder}' ${takenByOutline}`);
    Object.assign(index, keys);
    await writeFileAtomic(path, JSON.stringify({ ...index, next }));
  }
  return { index, next: next ?? 0, existed: file === INDEX };
}

/** The images from `start` on, in order, decoded a few at a time; without pixels where one cannot be read. */
async function* decoded(
  dataset: Dataset,
  start: number,
  { resize, broken, channels = 3, range }: PackOptions,
): AsyncGenerator<{ i: number; image: RawImage | undefined }> {
  const ahead: Promise<RawImage | undefined>[] = [];
  for (let i = start; i < dataset.length; i++) {
    while (ahead.length < AT_ONCE && i + ahead.length < dataset.length) {
      const id = dataset.id(i + ahead.length);
      ahead.push(
        shrunk(dataset, i + ahead.length, resize, { channels, range }).catch((error) => {
          broken.add(id, error);
          return undefined;
        }),
      );
    }
    yield { i, image: await ahead.shift() };
  }
}

async function shrunk(
  dataset: Dataset,
  i: number,
  side: number,
  reading: Reading & { readonly channels: number },
): Promise<RawImage> {
  const choose = ([height, width]: Size): Crop => {
    const scale = side === 0 ? 1 : Math.min(1, side / Math.min(height, width));
    const size: Size = [Math.round(height * scale), Math.round(width * scale)];
    return { box: whole([height, width]), resized: size, window: whole(size), flip: false };
  };
  const source = dataset.source?.(i);
  if (isEncoded(source))
    return withChannels(await decodeView(source, choose, cropResize, reading), reading.channels);
  const image = await dataset.image(i, reading);
  return withChannels(cropResize(image, choose([image.height, image.width])), reading.channels);
}

function withChannels(image: RawImage, channels: number): RawImage {
  requireChannels(image.channels, channels);
  return upright(image, channels, false);
}
