import { expect, it } from 'vitest';
import { runFolder } from './folder.ts';
import { scarceSpace } from './free-space.ts';

const state = { weight: new Float32Array(1_000_000), 'm:weight': new Float32Array(1_000_000) };
const disk = (bytes: number) => async () => ({ bavail: Math.floor(bytes / 4096), bsize: 4096 });
const folder = runFolder('runs/mine');

it.each([0, 6e6, 23e6])('warns of %d bytes for checkpoints of 12 MB', async (bytes) => {
  expect(await scarceSpace(folder, state, disk(bytes))).toMatch(
    new RegExp(
      `^the disk of runs/mine has ${Math.ceil(bytes / 1e6)} MB left, and a checkpoint takes about 12 MB: free`,
    ),
  );
});

it('says nothing where there is room, or nobody knows', async () => {
  expect(await scarceSpace(folder, state, disk(25e6))).toBeUndefined();
  expect(await scarceSpace(folder, state, () => Promise.reject(new Error('ENOSYS')))).toBeUndefined();
  expect(await scarceSpace(folder, state)).toBeUndefined(); // no such folder
});
