import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, posix, win32 } from 'node:path';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { BrokenImages } from '../load/broken.ts';
import type { Dataset } from './dataset.ts';
import { absoluteSource, homePath, isSpec, openDataset } from './open.ts';
import { packImages } from './pack.ts';

const root = temporaryFolder();
beforeAll(async () => {
  await mkdir(join(root, 'cat'));
  await writeFile(join(root, 'cat', '1.png'), 'x');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

it('opens folders by path, flat by default', async () => {
  for (const spec of [root, `folder:${root}`]) {
    const data = await openDataset(spec);
    expect([data.name, data.length, data.classes]).toEqual([root, 1, undefined]);
  }
  expect((await openDataset(`classes:${root}`)).classes).toEqual(['cat']);
});

it('takes a leading ~ for the home folder, in every form', async () => {
  const home = join(root, 'home');
  const pixels = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) } as const;
  const one: Dataset = {
    name: 'one',
    length: 1,
    contentKey: 'one',
    id: () => 'one',
    image: async () => pixels,
  };
  await mkdir(home);
  await packImages(one, join(home, 'pack'), { resize: 0, broken: new BrokenImages() });
  await mkdir(join(home, 'images', 'cat'), { recursive: true });
  await writeFile(join(home, 'images', 'cat', '1.png'), 'x');
  vi.stubEnv('HOME', home);
  vi.stubEnv('USERPROFILE', home);
  for (const spec of ['~', '~/images', 'folder:~', 'folder:~/images', 'classes:~/images', 'packed:~/pack'])
    expect((await openDataset(spec)).length).toBe(1);
  await expect(openDataset('~other')).rejects.toThrow("got '~other'");
});

it('says what is wrong', async () => {
  await expect(openDataset('no-such-thing')).rejects.toThrow(
    "the data folder must exist, got 'no-such-thing'",
  );
  await expect(openDataset('')).rejects.toThrow('must be named');
});

it.each([
  ['C:\\photos', 'C:\\photos'],
  ['c:/photos/2019', 'c:\\photos\\2019'],
  ['classes:C:\\photos\\', 'classes:C:\\photos'],
  ['packed:\\\\server\\share\\pack', 'packed:\\\\server\\share\\pack'],
  ['folder://server/share/my photos', 'folder:\\\\server\\share\\my photos'],
  ['cifar10:test', 'cifar10:test'],
])('on Windows, the source %s is %s wherever one stands', (spec, absolute) => {
  expect(absoluteSource(spec, win32)).toBe(absolute);
  expect(isSpec(spec)).toBe(/^(classes|packed|folder|cifar10)/.test(spec));
});

it('on Windows, ~\\ is the home folder too', () => {
  expect(homePath('~\\photos', win32)).toBe(win32.join(homedir(), 'photos'));
  expect(homePath('~/photos', win32)).toBe(win32.join(homedir(), 'photos'));
  expect(homePath('~', win32)).toBe(win32.join(homedir(), ''));
  expect(homePath('~\\photos', posix)).toBe('~\\photos'); // a name like any other
});
