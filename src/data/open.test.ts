import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { openDataset } from './open.ts';

const root = temporaryFolder();
beforeAll(async () => {
  await mkdir(join(root, 'cat'));
  await writeFile(join(root, 'cat', '1.png'), 'x');
});

it('opens folders by path, flat by default', async () => {
  for (const spec of [root, `folder:${root}`]) {
    const data = await openDataset(spec);
    expect([data.name, data.length, data.classes]).toEqual([root, 1, undefined]);
  }
  expect((await openDataset(`classes:${root}`)).classes).toEqual(['cat']);
});

it('says what is wrong', async () => {
  await expect(openDataset('no-such-thing')).rejects.toThrow(
    "the data folder must exist, got 'no-such-thing'",
  );
  await expect(openDataset('')).rejects.toThrow('must be named');
});
