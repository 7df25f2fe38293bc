import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PATIENT } from '../../tests/support/patient.ts';
import { statOf } from '../../tests/support/processes.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { type RunFolder, runFolder } from './folder.ts';
import { RunLock } from './lock.ts';
import { ownIdentity } from './process-identity.ts';

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
  expect(JSON.parse(await readFile(folder.lock, 'utf8'))).toEqual(ownIdentity());
  expect(ownIdentity()).toMatchObject({ pid: process.pid, host: hostname() });
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
  expect(await lock.take()).toMatchObject({ pid: child.pid });
  expect(JSON.parse(await readFile(folder.lock, 'utf8')).pid).toBe(process.pid);
  await lock.release();
});

it.runIf(process.platform === 'linux')(
  'is taken over when nobody has asked how its process ended',
  async () => {
    const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60']); // a parent that never asks
    const [output] = (await once(parent.stdout, 'data')) as [Buffer];
    const folder = await folderWith(holder(Number(output)));
    await vi.waitFor(() => expect(statOf(Number(output))[0]).toBe('Z'), PATIENT);
    const lock = new RunLock(folder);
    await lock.take();
    await lock.release();
    parent.kill();
  },
);

it('is refused where nobody knows whether its process runs', async () => {
  const folder = await folderWith(holder(1, 'elsewhere'));
  await expect(new RunLock(folder).take()).rejects.toThrow(
    'process 1 on elsewhere trains, or did when that machine was last heard of',
  );
});

describe.runIf(process.platform === 'linux')('of a number that another process has by now', () => {
  const { boot } = ownIdentity();
  /** When a process began, by proc(5); its number is used again. */
  const startedOf = (pid: number) => statOf(pid)[19]!;
  let other: ChildProcess;
  beforeAll(() => {
    other = spawn('sleep', ['600']);
  });
  afterAll(() => {
    other.kill();
  });

  it.each([
    ['began at another time', () => ({ started: String(Number(startedOf(other.pid!)) - 1), boot })],
    ['ran before the machine started again', () => ({ started: startedOf(other.pid!), boot: 'another' })],
  ])('is taken over where its process %s', async (_, more) => {
    const folder = await folderWith(JSON.stringify({ pid: other.pid, host: hostname(), ...more() }));
    const lock = new RunLock(folder);
    expect(await lock.take()).toMatchObject({ pid: other.pid });
    await lock.release();
  });

  it('is taken over where it is older than that process, whatever wrote it', async () => {
    const folder = await folderWith(holder(other.pid!)); // as earlier versions wrote it
    const before = Date.now() / 1000 - 3600;
    await utimes(folder.lock, before, before);
    const lock = new RunLock(folder);
    await lock.take();
    await lock.release();
  });

  it('is refused where it is that very process', async () => {
    const folder = await folderWith(
      JSON.stringify({ pid: other.pid, host: hostname(), started: startedOf(other.pid!), boot }),
    );
    await expect(new RunLock(folder).take()).rejects.toThrow(`process ${other.pid} on ${hostname()} trains`);
  });
});

describe.skipIf(process.platform === 'win32')('of a process that ends', () => {
  const library = new URL('../../dist/run/lock.js', import.meta.url).href;
  /** Takes a lock in another process, which then runs `then`. */
  async function take(folder: RunFolder, then: string) {
    const script = `import { RunLock } from '${library}';
      await new RunLock(${JSON.stringify(folder)}).take();
      ${then}
      console.log('taken');
      setTimeout(() => {}, 60_000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    const said: string[] = [];
    child.stdout.on('data', (text) => said.push(String(text)));
    child.stderr.on('data', (text) => said.push(String(text)));
    const closed = once(child, 'close');
    await vi.waitFor(() => expect(said).not.toEqual([]), PATIENT);
    return { child, said, closed };
  }
  const left = (folder: RunFolder) => readdir(folder.path);

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('is given back at %s', async (signal) => {
    const folder = await folderWith();
    const { child, said, closed } = await take(folder, '');
    expect(await left(folder)).toEqual(['.lock']);
    child.kill(signal);
    expect(await closed).toEqual([null, signal]); // as without a lock
    expect(await left(folder)).toEqual([]);
    expect(said.join('')).toBe('taken\n');
  });

  it('is kept if the application continues after a signal, and given back when it ends', async () => {
    const folder = await folderWith();
    const { child, said, closed } = await take(
      folder,
      "process.once('SIGINT', () => console.log(process.listenerCount('SIGINT')));",
    );
    child.kill('SIGINT');
    await vi.waitFor(() => expect(said.join('')).toBe('taken\n0\n'), PATIENT); // nobody else seems to listen
    expect(await left(folder)).toEqual(['.lock']);
    child.kill('SIGINT');
    expect(await closed).toEqual([null, 'SIGINT']);
    expect(await left(folder)).toEqual([]);
  });

  it('is given back where it exits', async () => {
    const folder = await folderWith();
    const { closed } = await take(folder, 'setTimeout(() => process.exit(3), 50);');
    expect(await closed).toEqual([3, null]);
    expect(await left(folder)).toEqual([]);
  });

  it('stays where another process has taken it over', async () => {
    const folder = await folderWith();
    const { child, closed } = await take(folder, '');
    await writeFile(folder.lock, holder(process.pid));
    child.kill('SIGTERM');
    await closed;
    expect(await left(folder)).toEqual(['.lock']);
  });
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
