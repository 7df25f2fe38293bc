import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { findCheckpoint, readConfig, runFolder } from './folder.ts';
import { folderStore } from './folder-store.ts';
import { pretraining } from './kinds/pretrain.ts';
import { checkpointNames, pruneCheckpoints, stepOf } from './run-files.ts';
import { memoryStore } from './store.ts';

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

it('checkpoints of steps that stay are not deleted, the newest neither', async () => {
  const store = memoryStore();
  const name = (step: number) => `checkpoints/step-${String(step).padStart(8, '0')}.safetensors`;
  for (const step of [5, 10, 12, 20, 21, 22, 100_000_000]) await store.write(name(step), []);
  await store.write('checkpoints/best.safetensors', []);
  await pruneCheckpoints(store, 2, (step) => step % 10 === 0);
  expect(await checkpointNames(store)).toEqual([10, 20, 22, 100_000_000].map(name));
  expect(await store.list('checkpoints')).toContain('best.safetensors');
  expect(stepOf(name(100_000_000))).toBe(100_000_000);
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
