import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { rng } from '../../random/rng.ts';
import { randomResizedCrop, type Size, whole } from '../decode/crop.ts';
import { cropResize } from '../decode/resize.ts';
import { BrokenImages } from '../load/broken.ts';
import { trainingBatches } from '../load/loader.ts';
import { verifyImages } from './check-images.ts';
import { identify } from './content.ts';
import type { Dataset, RawImage } from './dataset.ts';
import { openClassFolders, openFolder } from './folder.ts';
import { openDataset } from './open.ts';
import { packImages } from './pack.ts';

const root = temporaryFolder();
const sizes: Size[] = [
  [30, 50],
  [64, 40],
  [90, 120],
  [20, 20],
  [41, 40],
  [200, 64],
  [40, 40],
];
const names = sizes.map((_, i) => `class${i % 2}/${i}.${i === 2 ? 'jpg' : 'png'}`);
let data: Dataset;
beforeAll(async () => {
  for (const [i, [height, width]] of sizes.entries()) {
    const stream = rng(6, i);
    const pixels = Uint8Array.from({ length: 3 * height * width }, () => stream.int(256));
    await mkdir(join(root, 'images', `class${i % 2}`), { recursive: true });
    const file = join(root, 'images', names[i]!);
    await sharp(pixels, { raw: { width, height, channels: 3 } }).toFile(file);
  }
  await writeFile(join(root, 'images', 'class1', '7.png'), 'no picture');
  data = await openClassFolders(join(root, 'images'));
});

const silent = () => new BrokenImages(() => {});
const folder = (name: string) => join(root, name);
const pack = (name: string, more: object = {}, source = data) =>
  packImages(source, folder(name), { resize: 40, broken: silent(), ...more });

async function expected(index: number): Promise<RawImage> {
  const image = await data.image(index);
  const { width, height } = image;
  const scale = Math.min(1, 40 / Math.min(width, height));
  const resized: Size = [Math.round(height * scale), Math.round(width * scale)];
  return cropResize(image, { box: whole([height, width]), resized, window: whole(resized), flip: false });
}

async function contents(name: string): Promise<Record<string, string>> {
  const files = (await readdir(folder(name))).sort();
  return Object.fromEntries(
    await Promise.all(
      files.map(async (file) => [file, (await readFile(join(folder(name), file))).toString('base64')]),
    ),
  );
}

describe('a pack', () => {
  it('holds the shrunk images, their names and classes; broken ones are left out', async () => {
    const broken = silent();
    const shares: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => shares.push(done / total);
    const result = await pack('whole', { broken, onProgress });
    expect(result).toMatchObject({ images: 7, existed: false });
    expect([...broken.reasons.keys()]).toEqual(['class1/7.png']);
    expect(shares).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => n / 8));
    const packed = await openDataset(`packed:${folder('whole')}`);
    expect(packed.classes).toEqual(['class0', 'class1']);
    const order = [0, 2, 4, 6, 1, 3, 5];
    for (const [i, original] of order.entries()) {
      expect(packed.id(i)).toBe(names[original]);
      expect(packed.labels![i]).toBe(original % 2);
      expect(await packed.image(i)).toEqual(await expected(i));
    }
    expect([...(await packed.image(3)).data]).toEqual([...(await data.image(3)).data]); // 40 × 40 stays as it is
    expect(await pack('whole')).toEqual({ ...result, existed: true });
  });

  it('gives the views of its images, here and on threads', async () => {
    const packed = await openDataset(`packed:${folder('whole')}`);
    const { source: _, ...inMemory } = packed;
    const views = async (from: Dataset, more: object = {}) => {
      const loader = trainingBatches(from, { batchSize: 7, size: [33, 17], seed: 4, ...more });
      const batches = [(await loader.next()).value!, (await loader.next()).value!];
      await loader.dispose();
      return batches.map(({ view, indices, labels }) => ({ view, indices, labels }));
    };
    const here = await views(packed);
    expect(here).toEqual(await views(inMemory));
    expect(await views(packed, { threads: true })).toEqual(here);
    expect(await views(packed, { crop: randomResizedCrop({ scale: [0.01, 0.02] }) })).not.toEqual(here);
  });

  it('has several shards', async () => {
    await pack('shards', { shardBytes: 10_000 });
    const files = await readdir(folder('shards'));
    expect(files.length).toBeGreaterThan(3);
    const [packed, one] = await Promise.all(
      ['shards', 'whole'].map((name) => openDataset(`packed:${folder(name)}`)),
    );
    expect(packed!.contentKey).not.toBe(one!.contentKey); // other files, but the same images
    expect(await identify(packed!)).toBe(await identify(one!));
    for (let i = 0; i < 7; i++) expect(await packed!.image(i)).toEqual(await one!.image(i));
  });

  it('keeps colour and grey', async () => {
    const grey: Dataset = {
      name: 'grey',
      length: 1,
      contentKey: 'g',
      id: () => 'dot',
      image: () => ({ width: 2, height: 1, channels: 1, data: Uint8Array.of(7, 9) }),
    };
    await pack('grey', {}, grey);
    const packed = await openDataset(`packed:${folder('grey')}`);
    expect([...(await packed.image(0)).data]).toEqual([7, 7, 7, 9, 9, 9]);
  });
});

describe('packing', () => {
  it('continues where it was interrupted, to the same pack', async () => {
    for (const stop of [1, 3, 6, 7]) {
      const name = `stopped-${stop}`;
      const abort = new AbortController();
      const onProgress = ({ done }: { done: number }) => {
        if (done === stop) abort.abort(new Error('enough'));
      };
      await expect(pack(name, { signal: abort.signal, onProgress })).rejects.toThrow('enough');
      await expect(openDataset(`packed:${folder(name)}`)).rejects.toThrow("'data pack' has completed");
      const resumed: number[] = [];
      await pack(name, { onProgress: (p: { resumed: number }) => resumed.push(p.resumed) });
      expect(new Set(resumed)).toEqual(new Set([stop]));
      const packed = await openDataset(`packed:${folder(name)}`);
      for (let i = 0; i < 7; i++) expect(await packed.image(i)).toEqual(await expected(i));
      expect(await readdir(folder(name))).not.toContain('unfinished.json');
    }
  });

  it('continues after it was killed within a shard, or after one that was not entered', async () => {
    const abort = new AbortController();
    const onProgress = ({ done }: { done: number }) => done === 4 && abort.abort(new Error('enough'));
    const settings = { shardBytes: 10_000 };
    await expect(pack('killed', { ...settings, signal: abort.signal, onProgress })).rejects.toThrow('enough');
    await writeFile(join(folder('killed'), '.pixels-00002.bin.0123456789ab.tmp'), 'half');
    await writeFile(join(folder('killed'), 'pixels-00002.bin'), 'not entered');
    await pack('killed', settings);
    const packed = await openDataset(`packed:${folder('killed')}`);
    for (let i = 0; i < 7; i++) expect(await packed.image(i)).toEqual(await expected(i));
    expect((await contents('killed'))['.pixels-00002.bin.0123456789ab.tmp']).toBeUndefined();
  });

  it('touches no folder with anything else', async () => {
    await expect(pack('whole', { resize: 30 })).rejects.toThrow('--resize 40, whose images are others');
    await expect(pack('images')).rejects.toThrow('a pack needs an empty folder, got');
    const flat = await openFolder(join(root, 'images', 'class0'));
    await expect(pack('whole', {}, flat)).rejects.toThrow('whose images are others');
    await expect(pack('side', { resize: 1.5 })).rejects.toThrow('a whole number of pixels, got 1.5');
  });

  it('refuses a data set without any readable image', async () => {
    await mkdir(join(root, 'bad'), { recursive: true });
    await writeFile(join(root, 'bad', 'a.png'), 'x');
    await expect(pack('nothing', {}, await openFolder(join(root, 'bad')))).rejects.toThrow('nothing to pack');
  });
});

describe('images of the same names and sizes', () => {
  const fixture = (name: string) => join('tests', 'fixtures', 'identity', name);
  const put = async (name: string, p: string, t: string) => {
    for (const inner of ['x', 'y']) await mkdir(join(folder(name), inner), { recursive: true });
    await copyFile(fixture(`pillow-${p}.tif`), join(folder(name), 'x', 'p.tif'));
    await copyFile(fixture(`pillow-b.tif`), join(folder(name), 'y', 'q.tif'));
    await copyFile(fixture(`tifffile-${t}.tif`), join(folder(name), 'y', 't.tif'));
    return openClassFolders(folder(name));
  };

  it('are packed with their type', async () => {
    await pack('tiffs-1', {}, await put('tiffs', 'a', 'a'));
    const [first, copy] = [await put('tiffs', 'b', 'a'), await put('tiffs-copy', 'a', 'a')];
    await expect(pack('tiffs-1', {}, first)).rejects.toThrow('whose images are others');
    expect(await pack('tiffs-1', {}, copy)).toMatchObject({ existed: true });
    await pack('tiffs-2', {}, first);
    const packs = await Promise.all([1, 2].map((n) => openDataset(`packed:${folder(`tiffs-${n}`)}`)));
    expect(packs[0]!.contentKey).not.toBe(packs[1]!.contentKey);
    expect(await identify(packs[0]!)).not.toBe(await identify(packs[1]!));
    await cp(folder('tiffs-1'), folder('tiffs-moved'), { recursive: true });
    expect(await identify(await openDataset(`packed:${folder('tiffs-moved')}`))).toBe(
      await identify(packs[0]!),
    );
  });

  it('are found when they take the place of others in a pack', async () => {
    await pack('replaced', {}, await put('tiffs', 'a', 'a'));
    const shard = join(folder('replaced'), 'pixels-00000.bin');
    const bytes = await readFile(shard);
    bytes[400]! ^= 1;
    await writeFile(shard, bytes);
    const found = await verifyImages(await openDataset(`packed:${folder('replaced')}`));
    expect([...found]).toEqual([['y/q.tif', 'its pixels differ from their checksum']]);
  });

  it('are taken once where an earlier version packed them', async () => {
    await cp(fixture('earlier-pack'), folder('earlier'), { recursive: true });
    const [source, other] = [await put('tiffs', 'a', 'a'), await put('tiffs-copy', 'a', 'b')];
    const before = await openDataset(`packed:${folder('earlier')}`);
    expect([...(await verifyImages(before))]).toEqual([]);
    expect(before.content!.outline).toBe('packed-0-3-65203b3b91d8a8d3'); // what its runs have kept
    const notes: string[] = [];
    const options = { resize: 0, onNote: (note: string) => notes.push(note) };
    expect(await pack('earlier', options, source)).toMatchObject({ existed: true });
    expect(notes).toEqual([expect.stringContaining('knows its images by names and sizes')]);
    expect(await pack('earlier', options, source)).toMatchObject({ existed: true });
    expect(notes).toHaveLength(1);
    await expect(pack('earlier', options, other)).rejects.toThrow('whose images are others');
    const after = await openDataset(`packed:${folder('earlier')}`);
    expect(after.content!.outline).toBe(before.content!.outline);
    expect(await identify(after)).toBe(await identify(before));
  });
});

describe('a damaged pack', () => {
  /** The pack above with a part of its index's text replaced. */
  async function damaged(pattern: string | RegExp, by: string) {
    const text = await readFile(join(folder('whole'), 'index.json'), 'utf8');
    expect(text).toMatch(pattern);
    await rm(folder('damaged'), { recursive: true, force: true });
    await mkdir(folder('damaged'));
    const shard = await readFile(join(folder('whole'), 'pixels-00000.bin'));
    await writeFile(join(folder('damaged'), 'pixels-00000.bin'), shard);
    await writeFile(join(folder('damaged'), 'index.json'), text.replace(pattern, by));
    return openDataset(`packed:${folder('damaged')}`);
  }

  it.each([
    ['no JSON', '{', '', 'is no JSON'],
    ['another format', 'masking pack', 'masking pact', 'is no index of a pack: format'],
    ['a negative width', '"widths":[', '"widths":[-', 'is no index of a pack: images.widths.0'],
    ['a missing name', '"class0/0.png",', '', 'must say the same of all images'],
    ['a wrong size', '"widths":[', '"widths":[1', 'the sizes of images and shards'],
    ['a label too many', '"labels":[0', '"labels":[2', 'labels without a class'],
    ['a cut shard', '"bytes":', '"bytes":1', 'bytes, got'],
    ['a missing shard', 'pixels-00000', 'pixels-00009', 'got no such file'],
    ['a shard elsewhere', 'pixels-00000', '../whole/pixels-00000', 'shards.0.file'],
  ])('is refused: %s', async (_, pattern, by, message) => {
    await expect(damaged(pattern, by)).rejects.toThrow(message);
  });

  it('is found by reading its images', async () => {
    const packed = await damaged(/"checksums":\["./, '"checksums":["_');
    await expect(packed.image(0)).rejects.toThrow('differ from their checksum');
    await expect(packed.image(1)).resolves.toBeDefined();
  });
});
