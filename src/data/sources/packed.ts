import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { fileStamp, MISSING } from '../../io/file-stamp.ts';
import { plural } from '../../text/plural.ts';
import { DataError } from '../error.ts';
import type { Dataset } from './dataset.ts';
import type { PixelSource } from './image-source.ts';

/** The name of the file that makes a folder a pack; it is written last. */
export const INDEX = 'index.json';

const count = z.int().min(0);

/** Index of a pack. Images lie in its shards one after another, without gaps, each [height, width, channels] bytes. */
export const packIndex = z.object({
  format: z.literal('beyond-masking pack'),
  version: z.literal(1),
  /** Name and content of the data set that was packed, as `identify` gives it; earlier versions kept the outline. */
  source: z.string(),
  sourceKey: z.string(),
  /** Key of earlier versions; absent if equal to `sourceKey`. */
  sourceOutline: z.string().optional(),
  /** The shorter side that larger images were shrunk to; 0: none were. */
  resize: count,
  /** Of all images; 3 in packs that do not say it. */
  channels: count.min(1).default(3),
  /** The samples that stood for 0 and 1, where they were given. */
  range: z.tuple([z.number(), z.number()]).readonly().optional(),
  classes: z.array(z.string()).optional(),
  shards: z.array(z.object({ file: z.string().regex(/^pixels-\d+\.bin$/), images: count, bytes: count })),
  /** One entry for each image, in order. */
  images: z.object({
    names: z.array(z.string()),
    widths: z.array(count.min(1)),
    heights: z.array(count.min(1)),
    /** SHA-256 of the image's bytes in base64; in packs of earlier versions their CRC-32. */
    checksums: z.array(z.union([z.string(), count])),
    labels: z.array(count).optional(),
  }),
});
export type PackIndex = z.infer<typeof packIndex>;

/** Entry of an image in the index. */
export function checksum(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('base64');
}

/**
 * Opens a folder written by `packImages`: images with their classes, pixels read from the shards when they are needed.
 * `image` compares them with their checksum; views, which read only a part, do not.
 * Rejects with a DataError when there is no complete pack, or when shards are missing or cut off.
 */
export async function openPacked(folder: string): Promise<Dataset> {
  const stamps = [resolve(folder), (await fileStamp(join(folder, INDEX))).stamp];
  const index = await readIndex(folder);
  const { images, shards, classes, channels } = index;
  const files: string[] = [];
  const offsets: number[] = [];
  let next = 0;
  for (const shard of shards) {
    const file = join(folder, shard.file);
    const { size, stamp } = await fileStamp(file);
    if (size !== shard.bytes || stamp === MISSING)
      throw new DataError(
        `${file} must have ${plural(shard.bytes, 'byte')}, got ${stamp === MISSING ? 'no such file' : size}; pack the images again`,
      );
    stamps.push(stamp);
    let offset = 0;
    for (const end = next + shard.images; next < end; next++) {
      files.push(file);
      offsets.push(offset);
      offset += channels * images.widths[next]! * images.heights[next]!;
    }
    if (offset !== shard.bytes) throw new DataError(`the sizes of images and shards in ${folder} differ`);
  }
  const source = (i: number): PixelSource => ({
    kind: 'pixels',
    file: files[i]!,
    offset: offsets[i]!,
    width: images.widths[i]!,
    height: images.heights[i]!,
    channels,
  });
  return {
    name: `packed:${folder}`,
    length: images.names.length,
    contentKey: `packed-${images.names.length}-${hashOf(stamps)}`,
    content: {
      outline: `packed-${index.resize}-${index.sourceOutline ?? index.sourceKey}`,
      digest: async () => digestOf(index),
    },
    ...(classes && { classes }),
    ...(images.labels && { labels: Int32Array.from(images.labels) }),
    id: (i) => images.names[i]!,
    source,
    image: async (i) => {
      const { file, offset, width, height } = source(i);
      const data = new Uint8Array(channels * width * height);
      const handle = await open(file, 'r');
      try {
        const { bytesRead } = await handle.read(data, 0, data.length, offset);
        if (bytesRead !== data.length) throw new DataError(`${file} ends too early`);
      } finally {
        await handle.close();
      }
      const sum = images.checksums[i];
      if (sum !== (typeof sum === 'number' ? crc32(data) : checksum(data)))
        throw new DataError('its pixels differ from their checksum');
      return { width, height, channels, data };
    },
  };
}

/** By the checksums that packing wrote, so nothing is read; `data verify` compares them with the images. */
function digestOf({ classes = [], images }: PackIndex): string {
  const { names, widths, heights, checksums, labels = [] } = images;
  return `packed-${names.length}-sha256-${hashOf([classes, names, widths, heights, checksums, labels])}`;
}

function hashOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32);
}

async function readIndex(folder: string): Promise<PackIndex> {
  const path = join(folder, INDEX);
  const text = await readFile(path, 'utf8').catch(() => {
    throw new DataError(
      `a pack is a folder that 'data pack' has completed, with a file ${INDEX}; got '${folder}'`,
    );
  });
  const index = parse(text, path);
  const { names, widths, heights, checksums, labels = names } = index.images;
  const lengths = [widths, heights, checksums, labels].map((each) => each.length);
  const inShards = index.shards.reduce((sum, shard) => sum + shard.images, 0);
  if (names.length === 0 || inShards !== names.length || lengths.some((length) => length !== names.length))
    throw new DataError(
      `${path} must say the same of all images, got ${[names.length, inShards, ...lengths]}`,
    );
  if (index.images.labels?.some((label) => label >= (index.classes?.length ?? 0)))
    throw new DataError(`${path} has labels without a class`);
  return index;
}

/** Reads an index, or the unfinished one. Throws a DataError for anything else. */
export function parse(text: string, path: string): PackIndex {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DataError(`${path} is no JSON: ${(error as Error).message}`);
  }
  const { success, data, error } = packIndex.safeParse(json);
  if (success) return data;
  const [issue] = error.issues;
  throw new DataError(`${path} is no index of a pack: ${issue?.path.join('.')}: ${issue?.message}`);
}
