import { existsSync } from 'node:fs';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { openCpuXla } from '../../../tests/support/xla.ts';
import { input, matmul, program } from '../../graph/index.ts';

const folder = temporaryFolder();
const square = program('square', { y: matmul(input('x', [2, 2]), input('x2', [2, 2])) });
const values = { x: Float32Array.of(1, 2, 3, 4), x2: Float32Array.of(0, 1, 1, 0) };

async function run(cache = folder): Promise<Float32Array> {
  const session = await (await openCpuXla({ cache })).open({});
  const { y } = await session.run(square, values);
  await session.dispose();
  return y as Float32Array;
}

it('caches programs, reuses them, and recompiles damaged ones', async () => {
  expect(await run()).toEqual(Float32Array.of(2, 1, 4, 3));
  const files = await readdir(folder);
  expect(files).toHaveLength(1);
  const file = join(folder, files[0]!);
  const kept = await readFile(file);
  const { ino } = await stat(file);
  await utimes(file, 0, 0);
  expect(await run()).toEqual(Float32Array.of(2, 1, 4, 3));
  expect((await stat(file)).ino).toBe(ino); // not written again
  expect(Date.now() - (await stat(file)).mtimeMs).toBeLessThan(3600e3); // but known to be of use
  const unused = join(folder, 'unused.xla');
  await writeFile(unused, '');
  await utimes(unused, 0, 0);
  expect(await readFile(file)).toEqual(kept);
  for (const damage of [kept.subarray(0, kept.length >> 1), new Uint8Array(0), Buffer.from('nonsense')]) {
    await writeFile(file, damage);
    expect(await run()).toEqual(Float32Array.of(2, 1, 4, 3));
    expect((await stat(file)).size).toBeGreaterThan(100);
  }
  expect(await readdir(folder)).toEqual(files);
});

it.runIf(existsSync('/proc/self'))('compiles without a cache if it cannot be written', async () => {
  expect(await run('/proc/none')).toEqual(Float32Array.of(2, 1, 4, 3));
});
