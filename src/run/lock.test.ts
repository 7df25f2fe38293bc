import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { type RunFolder, runFolder } from './folder.ts';
import { RunLock } from './lock.ts';

const base = temporaryFolder();

/** The folder of a run, in which something may hold the lock. */
async function folderWith(content?: string): Promise<RunFolder> {
  const folder = runFolder(join(base, `run-${(await readdir(base)).length}`));
  await mkdir(folder.path);
  if (content !== undefined) await writeFile(folder.lock, content);
  return folder;
}

const holder = (pid: number, host = hostname()) => JSON.stringify({ pid, host });

it('names this process while it is held, and is gone afterwards', async () => {
  const folder = await folderWith();
  const [lock, other] = [new RunLock(folder), new RunLock(folder)];
  await lock.take();
  expect(JSON.parse(await readFile(folder.lock, 'utf8'))).toEqual({ pid: process.pid, host: hostname() });
  await expect(other.take()).rejects.toThrow(`into which process ${process.pid} on ${hostname()} trains`);
  await other.release(); // was not taken
  expect(await readdir(folder.path)).toEqual(['.lock']);
  await lock.release();
  expect(await readdir(folder.path)).toEqual([]);
  await other.take();
  await other.release();
});

it('is refused while the process that holds it runs, and taken over when it was killed', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const folder = await folderWith(holder(child.pid!));
  const lock = new RunLock(folder);
  await expect(lock.take()).rejects.toThrow(
    `got ${folder.path}, into which process ${child.pid} on ${hostname()} trains: wait for it or stop it, ` +
      `or choose another folder with --output; if it is no run any more, delete ${folder.lock}`,
  );
  expect(await readFile(folder.lock, 'utf8')).toBe(holder(child.pid!));
  child.kill('SIGKILL');
  await once(child, 'exit');
  await lock.take();
  expect(JSON.parse(await readFile(folder.lock, 'utf8')).pid).toBe(process.pid);
  await lock.release();
});

it.runIf(process.platform === 'linux')(
  'is taken over when nobody has asked how its process ended',
  async () => {
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60']); // a parent that never asks
    const [output] = (await once(parent.stdout, 'data')) as [Buffer];
    const folder = await folderWith(holder(Number(output)));
    const state = () => readFileSync(`/proc/${Number(output)}/stat`, 'utf8').split(' ')[2];
    await vi.waitFor(() => expect(state()).toBe('Z'));
    const lock = new RunLock(folder);
    await lock.take();
    await lock.release();
    parent.kill();
  },
);

it('is refused where nobody knows whether its process runs', async () => {
  const folder = await folderWith(holder(1, 'elsewhere'));
  await expect(new RunLock(folder).take()).rejects.toThrow('process 1 on elsewhere trains');
});

it.each([
  ['of an earlier process of the same number', holder(process.pid)],
  ['never written', ''],
  ['torn', '{"pid":'],
  ['of something else', 'null'],
  ['of no process', holder(0)],
])('is taken over when %s', async (_, content) => {
  const folder = await folderWith(content);
  const lock = new RunLock(folder);
  await lock.take();
  await lock.release();
  expect(await readdir(folder.path)).toEqual([]);
});

it('of a dead process goes to the last that takes it over', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  const folder = await folderWith(holder(child.pid!));
  const lock = new RunLock(folder);
  const taken = lock.take();
  while (readFileSync(folder.lock, 'utf8') === holder(child.pid!)) await setImmediate();
  writeFileSync(folder.lock, holder(process.ppid)); // another one was a moment later
  await expect(taken).rejects.toThrow(`process ${process.ppid} on`);
  await lock.release();
  expect(await readFile(folder.lock, 'utf8')).toBe(holder(process.ppid));
});
