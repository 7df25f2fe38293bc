import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { openClassFolders } from './folder.ts';
import { scanImages } from './scan.ts';

/** A disk that numbers no file, as some network disks of Windows. */
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const stat = async (...given: Parameters<typeof real.stat>) => {
    const stats = await real.stat(...given);
    return Object.assign(stats, { ino: typeof stats.ino === 'bigint' ? 0n : 0 });
  };
  return { ...real, stat };
});

const root = temporaryFolder();
beforeAll(async () => {
  for (const [i, name] of ['cat', 'dog', 'a cat (é)'].entries()) {
    await mkdir(join(root, name));
    for (let image = 0; image <= i; image++) await writeFile(join(root, name, `${image}.png`), 'x');
  }
});

it('finds every image', async () => {
  expect((await scanImages(root)).paths).toEqual([
    ...['a cat (é)/0.png', 'a cat (é)/1.png', 'a cat (é)/2.png', 'cat/0.png', 'dog/0.png', 'dog/1.png'],
  ]);
  expect((await openClassFolders(root)).classes).toEqual(['a cat (é)', 'cat', 'dog']);
});

it.skipIf(process.platform === 'win32')(
  'follows links, but not in circles, and counts no file twice',
  async () => {
    await symlink(root, join(root, 'dog', 'up'));
    await symlink(join(root, 'cat', '0.png'), join(root, 'dog', 'same.png'));
    expect((await scanImages(root)).paths).toHaveLength(6);
  },
);
