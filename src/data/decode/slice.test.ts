import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { rng } from '../../random/rng.ts';
import { BrokenImages } from '../load/broken.ts';
import { trainingBatches } from '../load/loader.ts';
import { verifyImages } from '../sources/check-images.ts';
import type { Dataset } from '../sources/dataset.ts';
import type { ImageSource } from '../sources/image-source.ts';
import { packImages } from '../sources/pack.ts';
import { openPacked } from '../sources/packed.ts';
import { decodeImage, decodeSource } from './decode.ts';

const home = new URL('../../../tests/fixtures/samples/', import.meta.url);
const tar = fileURLToPath(new URL('shard.tar', home));
const { images } = JSON.parse(readFileSync(new URL('samples.json', home), 'utf8')) as {
  images: { name: string; offset: number; length: number; shape: number[]; pixels: string }[];
};
const folder = temporaryFolder();
const quiet = () => new BrokenImages(() => {});

/** The images of sources, as a data set. */
function dataset(sources: readonly ImageSource[]): Dataset {
  return {
    name: 'slices',
    length: sources.length,
    contentKey: 'slices',
    id: (i) => `${i}`,
    image: (i, reading) => decodeSource(sources[i] as never, reading),
    source: (i) => sources[i]!,
  };
}

it.each(images)("reads $name inside of a tar of Python's as Pillow does", async (given) => {
  const { offset, length } = given;
  const image = await decodeSource({ kind: 'slice', file: tar, offset, length });
  expect([image.height, image.width, image.channels]).toEqual(given.shape);
  const expected = Buffer.from(given.pixels, 'base64');
  const most = given.name.endsWith('.jpg') ? 2 : 0; // decoders of JPEG may round otherwise
  for (const [i, value] of image.data.entries())
    expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(most);
});

it('gives the views and packs of the same images in separate files, here and on threads', async () => {
  const r = rng(seed);
  const noise = (width: number, height: number) =>
    sharp(Buffer.from(Uint8Array.from({ length: width * height * 3 }, () => r.int(256))), {
      raw: { width, height, channels: 3 },
    });
  const encoded = [
    await noise(40, 30).jpeg().toBuffer(),
    await noise(31, 45).png().toBuffer(),
    await noise(700, 560).png().toBuffer(), // large: cut out while it is decoded
  ];
  const parts = encoded.flatMap((bytes) => [Buffer.alloc(r.int(700), 7), bytes]);
  const file = join(folder, 'many.bin');
  await writeFile(file, Buffer.concat([...parts, Buffer.alloc(99)]));
  let offset = 0;
  const slices: ImageSource[] = [];
  const files: ImageSource[] = [];
  for (const [i, part] of parts.entries()) {
    if (i % 2 === 1) {
      slices.push({ kind: 'slice', file, offset, length: part.length });
      files.push({ kind: 'file', file: join(folder, `${i}`) });
      await writeFile(join(folder, `${i}`), part);
    }
    offset += part.length;
  }
  for (const threads of [false, true]) {
    const views = async (sources: readonly ImageSource[]) => {
      const settings = { batchSize: 3, size: [16, 20] as const, seed, threads, broken: quiet() };
      const loader = trainingBatches(dataset(sources), settings);
      const { view, broken } = (await loader.next()).value!;
      await loader.dispose();
      expect(broken, `seed ${seed}`).toEqual([]);
      return view;
    };
    expect(await views(slices), `seed ${seed}`).toEqual(await views(files));
  }
  await packImages(dataset(slices), join(folder, 'pack'), { resize: 0, broken: quiet() });
  const packed = await openPacked(join(folder, 'pack'));
  for (const [i, bytes] of encoded.entries()) {
    const expected = await decodeImage(bytes);
    const { data, ...size } = await packed.image(i);
    expect({ ...expected, data: undefined }).toEqual({ ...size, data: undefined });
    expect(Buffer.compare(data, expected.data)).toBe(0);
  }
});

it('refuses slices that are cut off, empty, elsewhere or no place', async () => {
  const { offset, length } = images[0]!;
  const bytes = readFileSync(tar);
  const cut = join(folder, 'cut.tar');
  await writeFile(cut, bytes.subarray(0, offset + length - 5));
  const cases = [
    [{ file: cut, offset, length }, 'it is cut off'],
    [{ file: tar, offset, length: length >> 1 }, 'the file is cut off, damaged'],
    [
      { file: tar, offset: bytes.length, length: 1 },
      `must lie within its file, got one of ${bytes.length} bytes`,
    ],
    [{ file: tar, offset, length: 0 }, 'must hold some bytes, got none'],
    [{ file: tar, offset: offset + 9, length: length - 9 }, 'by its first bytes'],
    [{ file: tar, offset: -1, length }, 'must begin at a byte of its file'],
    [{ file: tar, offset: 0.5, length }, 'must begin at a byte of its file'],
    [{ file: tar, offset, length: Number.NaN }, 'have a number of bytes'],
    [{ file: folder, offset, length }, 'must be a regular file, got a folder'],
  ] as const;
  const sources = cases.map(([place]) => ({ kind: 'slice', ...place }) as const);
  for (const [i, [, message]] of cases.entries())
    await expect(decodeSource(sources[i]!)).rejects.toThrow(message);
  const reasons = await verifyImages(dataset(sources));
  expect(reasons.size).toBe(cases.length);
  for (const [i, [, message]] of cases.entries()) expect(reasons.get(`${i}`)).toContain(message);

  const whole = { kind: 'slice', file: tar, offset, length } as const;
  const broken = quiet();
  const settings = { batchSize: 2, size: [8, 8] as const, seed: 1, threads: true, broken };
  const loader = trainingBatches(dataset([sources[0]!, whole]), settings);
  const batch = (await loader.next()).value!;
  await loader.dispose();
  expect([...batch.indices]).toEqual([1, 1]); // the whole image has taken the place of the other
  expect([...broken.reasons.keys()]).toEqual(['0']);
});
