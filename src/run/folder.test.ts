import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { pruneCheckpoints, runFolder } from './folder.ts';

const folder = runFolder(temporaryFolder());

it('a checkpoint that cannot be deleted, as those that are open on Windows, ends no run', async () => {
  await mkdir(folder.checkpoints);
  const name = (step: number) => `step-${String(step).padStart(8, '0')}.safetensors`;
  await mkdir(join(folder.checkpoints, name(1))); // a file's deletion fails here
  for (const step of [2, 3, 4]) await writeFile(join(folder.checkpoints, name(step)), 'x');
  await pruneCheckpoints(folder, 2);
  expect((await readdir(folder.checkpoints)).sort()).toEqual([name(1), name(3), name(4)]);
});
