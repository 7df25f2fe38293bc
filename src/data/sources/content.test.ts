import { randomUUID } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import {
  appendFile,
  copyFile,
  cp,
  mkdir,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { rng } from '../../random/rng.ts';
import { compare, identify, sameImages } from './content.ts';
import { type Dataset, split, subset } from './dataset.ts';
import { openClassFolders, openFolder } from './folder.ts';
import { openImages } from './image-list.ts';

const root = temporaryFolder();
const fixture = (name: string) => join('tests', 'fixtures', 'identity', `${name}.tif`);

let folder: string;
let cache: string;
const file = (name: string) => join(folder, 'class', `${name}.tif`);
beforeEach(async () => {
  folder = join(root, randomUUID());
  cache = join(root, randomUUID());
  await mkdir(join(folder, 'class'), { recursive: true });
  for (const program of ['pillow', 'tifffile']) await copyFile(fixture(`${program}-a`), file(program));
});

/** How many bytes are read to know a folder, and the key that comes out. */
async function read(options: { signal?: AbortSignal; onRead?: () => unknown } = {}) {
  let bytes = 0;
  const data = await openFolder(folder, { cache });
  const onProgress = ({ done, total }: { done: number; total: number }) => {
    expect(done).toBeLessThanOrEqual(total);
    bytes = done;
    options.onRead?.();
  };
  const { signal } = options;
  return { key: await identify(data, { onProgress, ...(signal && { signal }) }), bytes, data };
}

describe('a folder is known', () => {
  it.each(['pillow', 'tifffile'])('when a picture is replaced by one of equal size (%s)', async (program) => {
    const before = await read();
    for (const replace of [
      () => copyFile(fixture(`${program}-b`), file(program)), // in place: the same inode
      async () => {
        await rm(file(program));
        await copyFile(fixture(`${program}-a`), file(program));
      },
    ]) {
      const { mtime } = await stat(file(program));
      await replace();
      await utimes(file(program), mtime, mtime); // as tools that keep the time do
      const { data } = await read();
      expect(data.contentKey).not.toBe(before.data.contentKey);
      expect(data.content!.outline).toBe(before.data.content!.outline);
    }
    await copyFile(fixture(`${program}-b`), file(program));
    const after = await read();
    expect(after.key).not.toBe(before.key);
    await copyFile(fixture(`${program}-a`), file(program));
    expect((await read()).key).toBe(before.key);
  });

  it('by its content alone, wherever and whenever it was written', async () => {
    const before = await read();
    const copy = join(root, randomUUID());
    await cp(folder, copy, { recursive: true });
    await utimes(join(copy, 'class', 'pillow.tif'), 0, 0);
    const other = await openFolder(copy, { cache });
    expect(await identify(other)).toBe(before.key);
    expect(other.contentKey).not.toBe(before.data.contentKey);
    expect(await sameImages(other, before.data)).toBe(true);
    await copyFile(fixture('pillow-b'), join(copy, 'class', 'pillow.tif'));
    expect(await sameImages(await openFolder(copy, { cache }), before.data)).toBe(false);
    await cp(file('pillow'), file('third'));
    expect(await sameImages(await openFolder(folder, { cache }), before.data)).toBe(false);
  });

  it('without reading it again, until a file is touched', async () => {
    const first = await read();
    expect(first.bytes).toBeGreaterThan(700);
    expect(await read()).toMatchObject({ key: first.key, bytes: 0 });
    await utimes(file('pillow'), 1e9, 1e9);
    expect(await read()).toMatchObject({ key: first.key, bytes: first.bytes });
    expect(await read()).toMatchObject({ key: first.key, bytes: 0 });
  });

  it('where nothing can be kept', async () => {
    const { key } = await read();
    cache = join(root, randomUUID());
    await writeFile(cache, 'no folder');
    expect(await read()).toMatchObject({ key });
    expect(await read()).toMatchObject({ key });
  });

  it('as it is now, when it changes while it is read', async () => {
    let left = 1;
    const { bytes } = await read({
      onRead: () => left-- > 0 && copyFileSync(fixture('pillow-b'), file('pillow')),
    });
    const after = await read();
    expect(after.bytes).toBe(bytes); // nothing was kept
    expect(await read()).toMatchObject({ key: after.key, bytes: 0 });
  });

  it('until it is stopped', async () => {
    const controller = new AbortController();
    const stopped = read({ signal: controller.signal, onRead: () => controller.abort(new Error('enough')) });
    await expect(stopped).rejects.toThrow('enough');
    expect((await read()).bytes).toBeGreaterThan(0);
  });

  it.skipIf(process.platform === 'win32')('with links that lead nowhere or in circles', async () => {
    await symlink('nowhere.tif', file('dangling'));
    const first = await read();
    expect(first.key).toMatch(/^3-sha256-[0-9a-f]{32}$/);
    expect(await read()).toMatchObject({ key: first.key, bytes: 0 });
    await copyFile(fixture('pillow-b'), join(folder, 'class', 'nowhere.tif'));
    expect((await read()).key).not.toBe(first.key);
    await symlink('circle.tif', file('circle'));
    expect((await read()).key).toMatch(/^4-/); // the first link leads to a file that counts itself
  });

  it('by 256 files beyond 1 GB', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `${1000 + i}`);
    const size = 3.5e6;
    for (const name of names) {
      await writeFile(file(name), '');
      await truncate(file(name), size); // takes no room on the disk
    }
    const first = await read();
    expect(first.bytes).toBeGreaterThan(250 * size);
    expect(first.bytes).toBeLessThanOrEqual(256 * size);
    const chosen = new Set(rng(0, 'digest').permutation(302).subarray(0, 256));
    const change = async (index: number, bytes: string) => {
      await truncate(file(names[index]!), size - bytes.length);
      await appendFile(file(names[index]!), bytes);
      return (await read()).key;
    };
    const [seen, unseen] = [true, false].map((is) => names.findIndex((_, i) => chosen.has(i) === is));
    expect(await change(unseen!, 'unseen')).toBe(first.key); // as docs/data.md says
    expect(await change(seen!, 'seen')).not.toBe(first.key);
    await appendFile(file(names[unseen!]!), 'longer');
    expect((await read()).key).not.toBe(first.key);
  });
});

it('parts of a folder have different keys', async () => {
  const { data, key } = await read();
  const parts = [...Object.values(split(data, 0.5)), subset(data, [1, 0])];
  const keys = [key, ...(await Promise.all(parts.map((part) => identify(part))))];
  expect(new Set(keys).size).toBe(4);
  await copyFile(fixture('pillow-b'), file('pillow'));
  const changed = Object.values(split(await openFolder(folder, { cache }), 0.5));
  for (const part of changed) expect(keys).not.toContain(await identify(part));
  const classes = await openClassFolders(folder, { cache });
  expect(await identify(classes)).toBe((await read()).key);
});

it('files that are named one by one are known by their state', async () => {
  const list = [file('pillow'), file('tifffile')];
  const before = await openImages(list);
  expect((await openImages(list)).contentKey).toBe(before.contentKey);
  await copyFile(fixture('pillow-b'), file('pillow'));
  const after = await openImages(list);
  expect(after.contentKey).not.toBe(before.contentKey);
  await expect(openImages([...list, file('missing')])).rejects.toThrow('no such file or folder');
});

it('a data set of another make is known by its contentKey', async () => {
  const { content: _, ...own }: Dataset = (await read()).data;
  expect(await identify(own)).toBe(own.contentKey);
  expect(compare(own.contentKey, own.contentKey, own)).toBe('same');
  expect(await sameImages(own, { ...own, contentKey: 'other' })).toBe(false);
});

it('keys of earlier versions are names and sizes', async () => {
  const { data, key } = await read();
  // sha256 of 'class/pillow.tif\0500\nclass/tifffile.tif\0552\n', as sha256sum gives it (printf takes \\000)
  expect(data.content!.outline).toBe('2-d614ce8ec1b46dd9');
  expect(compare(data.content!.outline, key, data)).toBe('outline');
  expect(compare('2-0000000000000000', key, data)).toBe('other');
});
