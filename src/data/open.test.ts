import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDataset } from './open.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'open-'));
  await mkdir(join(root, 'cat'));
  await writeFile(join(root, 'cat', '1.png'), 'x');
});
afterAll(() => rm(root, { recursive: true }));

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
