import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { findCheckpoint, readConfig, runFolder } from './folder.ts';
import { folderStore } from './folder-store.ts';
import { pretraining } from './kinds/pretrain.ts';
import { pruneCheckpoints } from './run-files.ts';

const folder = runFolder(temporaryFolder());
const above = temporaryFolder();

it('a checkpoint that cannot be deleted, as open files on Windows, does not end a run', async () => {
  await mkdir(folder.checkpoints);
  const name = (step: number) => `step-${String(step).padStart(8, '0')}.safetensors`;
  await mkdir(join(folder.checkpoints, name(1))); // a file's deletion fails here
  for (const step of [2, 3, 4]) await writeFile(join(folder.checkpoints, name(step)), 'x');
  await pruneCheckpoints(folderStore(folder.path), 2);
  expect((await readdir(folder.checkpoints)).sort()).toEqual([name(1), name(3), name(4)]);
});

it('a folder that holds runs names some of them', async () => {
  for (const name of ['a', 'b', 'c', 'd']) {
    await mkdir(join(above, name), { recursive: true });
    await writeFile(join(above, name, 'config.json'), '{}');
  }
  await mkdir(join(above, 'none'));
  const named = `; it holds runs: ${['a', 'b', 'c'].map((name) => join(above, name)).join(', ')}, …`;
  await expect(findCheckpoint(above)).rejects.toThrow(`${above} holds no checkpoint${named}`);
  await expect(readConfig(runFolder(above), pretraining)).rejects.toThrow(
    `${above} is not a run (no config.json)${named}`,
  );
  await expect(findCheckpoint(join(above, 'none'))).rejects.toThrow(
    `${join(above, 'none')} holds no checkpoint (a run has them in checkpoints/`,
  );
});
