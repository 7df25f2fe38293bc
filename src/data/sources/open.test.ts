import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { BrokenImages } from '../load/broken.ts';
import type { Dataset } from './dataset.ts';
import { openDataset } from './open.ts';
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
