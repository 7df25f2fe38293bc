import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Dataset } from './dataset.ts';
import { openClassFolders, openFolder } from './folder.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'folder-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const png = (value: number) =>
  sharp({ create: { width: 4, height: 3, channels: 3, background: { r: value, g: 0, b: 0 } } })
    .png()
    .toBuffer();

async function put(path: string, bytes: Uint8Array | string = 'x') {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), bytes);
}
const ids = (d: Dataset) => Array.from({ length: d.length }, (_, i) => d.id(i));

describe('openFolder', () => {
  it('finds images at any depth, sorted by name', async () => {
    for (const path of ['b.JPG', 'a/z.png', 'a/deep/er/c.webp', 'a-b.gif', 'B.tiff', 'ü.avif'])
      await put(path);
    for (const path of ['notes.txt', '.hidden.png', '.cache/x.png', 'x.png.bak', 'picture.bmp'])
      await put(path);
    const data = await openFolder(root);
    expect(ids(data)).toEqual(['B.tiff', 'a-b.gif', 'a/deep/er/c.webp', 'a/z.png', 'b.JPG', 'ü.avif']);
    expect(data.labels).toBeUndefined();
  });

  it('reads them', async () => {
    await put('one.png', await png(10));
    await put('two.png', await png(20));
    const data = await openFolder(root);
    expect(await data.image(1)).toMatchObject({ width: 4, height: 3, channels: 3 });
    expect((await data.image(1)).data[0]).toBe(20);
    expect(data.source!(0)).toEqual({ kind: 'file', file: join(root, 'one.png') });
  });

  it.skipIf(process.platform === 'win32')('follows links, but not in circles', async () => {
    await put('real/a.png');
    await symlink(join(root, 'real'), join(root, 'alias'));
    await symlink(root, join(root, 'real', 'up'));
    await symlink(join(root, 'nowhere'), join(root, 'dangling.png'));
    expect(ids(await openFolder(root))).toEqual(['dangling.png', 'real/a.png']);
  });

  it('has a content key that changes with names and sizes', async () => {
    await put('a.png', 'one');
    await put('b.png', 'two');
    const keys = [(await openFolder(root)).contentKey];
    expect((await openFolder(root)).contentKey).toBe(keys[0]);
    await put('b.png', 'three');
    keys.push((await openFolder(root)).contentKey);
    await put('c.png', 'four');
    keys.push((await openFolder(root)).contentKey);
    await rm(join(root, 'a.png'));
    keys.push((await openFolder(root)).contentKey);
    expect(new Set(keys).size).toBe(4);
  });

  it('says what is wrong with a folder', async () => {
    await expect(openFolder(join(root, 'missing'))).rejects.toThrow('the data folder must exist, got');
    await expect(openFolder(root)).rejects.toThrow(/must hold images \(JPEG, .*\), got no files in/);
    await put('sub/readme.txt');
    await expect(openFolder(root)).rejects.toThrow('got 1 .txt (no JPEG');
    await expect(openFolder(join(root, 'sub/readme.txt'))).rejects.toThrow('must be a folder, got the file');
    await expect(openFolder(root)).rejects.toMatchObject({ name: 'DataError' });
  });
});

describe('openClassFolders', () => {
  it('numbers the classes by their sorted names', async () => {
    for (const path of ['dog/1.png', 'cat/2.png', 'cat/sub/3.png', 'cat-2/4.png', 'loose.png'])
      await put(path);
    const data = await openClassFolders(root);
    expect(data.classes).toEqual(['cat', 'cat-2', 'dog']);
    expect(ids(data)).toEqual(['cat-2/4.png', 'cat/2.png', 'cat/sub/3.png', 'dog/1.png']);
    expect([...data.labels!]).toEqual([1, 0, 0, 2]);
  });

  it('says what is wrong with a folder', async () => {
    await put('loose.png');
    await expect(openClassFolders(root)).rejects.toThrow(
      /one sub-folder of images per class, got none in .* \(1 image in the folder itself\)/,
    );
    await put('cat/1.png');
    await put('dog/readme.txt');
    await expect(openClassFolders(root)).rejects.toThrow(
      /every class folder must hold an image, got none in .*dog/,
    );
    await expect(openClassFolders(join(root, 'missing'))).rejects.toThrow('the data folder must exist');
  });
});
