import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { removeTemporaries, writeFileAtomic, writeFilesAtomic } from './atomic.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'atomic-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const bytes = (text: string) => new TextEncoder().encode(text);
const error = (code: string) => Object.assign(new Error(code), { code });
/** The class of file handles, which Node does not export. */
async function fileHandlePrototype() {
  const handle = await open(folder, 'r');
  await handle.close();
  return Object.getPrototypeOf(handle) as Record<'write' | 'sync', (...args: unknown[]) => Promise<unknown>>;
}

test('writes text, bytes and pieces, and leaves nothing else in the folder', async () => {
  const path = join(folder, 'a.json');
  await writeFileAtomic(path, 'é');
  expect(readFileSync(path, 'utf8')).toBe('é');
  await writeFileAtomic(path, new Uint8Array([1, 2, 3]).subarray(1));
  expect([...readFileSync(path)]).toEqual([2, 3]);
  await writeFileAtomic(path, [bytes('one '), bytes(''), bytes('two')]);
  expect(readFileSync(path, 'utf8')).toBe('one two');
  await writeFileAtomic(path, []);
  expect(readFileSync(path)).toHaveLength(0);
  expect(readdirSync(folder)).toEqual(['a.json']);
});

test('errors name the requested path', async () => {
  await expect(writeFileAtomic(join(folder, 'none', 'a.txt'), '')).rejects.toMatchObject({
    code: 'ENOENT',
    path: join(folder, 'none'),
  });
  mkdirSync(join(folder, 'taken'));
  await expect(writeFileAtomic(join(folder, 'taken'), '')).rejects.toMatchObject({
    path: join(folder, 'taken'),
  });
});

test('the old content stays in place until the new one is complete', async () => {
  const path = join(folder, 'a.json');
  writeFileSync(path, 'old');
  const seen: string[] = [];
  await writeFileAtomic(
    path,
    (async function* () {
      for (const piece of ['n', 'e', 'w']) {
        seen.push(readFileSync(path, 'utf8'));
        yield bytes(piece);
      }
    })(),
  );
  expect(seen).toEqual(['old', 'old', 'old']);
  expect(readFileSync(path, 'utf8')).toBe('new');
});

test.each(['write', 'sync'] as const)(
  'a disk that fills up during %s leaves the old file alone',
  async (call) => {
    const path = join(folder, 'a.json');
    writeFileSync(path, 'old');
    vi.spyOn(await fileHandlePrototype(), call).mockRejectedValue(error('ENOSPC'));
    await expect(writeFileAtomic(path, 'new')).rejects.toThrow('ENOSPC');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a.json']);
  },
);

test.each([1, 2, 3])('of files that belong together, none changes where write %i fails', async (failing) => {
  const names = ['a.jsonl', 'b.txt', 'c.npy'];
  const all = (text: string) => names.map((name) => [join(folder, name), text] as const);
  await writeFilesAtomic(all('old'));
  const prototype = await fileHandlePrototype();
  const { write } = prototype;
  let count = 0;
  vi.spyOn(prototype, 'write').mockImplementation(function (this: unknown, ...args: unknown[]) {
    return ++count === failing ? Promise.reject(error('EDQUOT')) : write.call(this, ...args);
  });
  await expect(writeFilesAtomic(all('new'))).rejects.toMatchObject({
    code: 'EDQUOT',
    path: join(folder, names[failing - 1]!),
  });
  for (const [path] of all('')) expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(names);
});

test('of files that belong together, the last one always matches the others', async () => {
  const [names, array] = [join(folder, 'a.jsonl'), join(folder, 'a.npy')];
  const both = (text: string) =>
    writeFilesAtomic([
      [names, text],
      [array, text],
    ]);
  await both('old');
  mkdirSync(join(folder, 'taken'));
  // A folder takes the array's place: the array is absent, and the names may be new.
  await expect(
    writeFilesAtomic([
      [names, 'new'],
      [join(folder, 'taken'), 'new'],
    ]),
  ).rejects.toMatchObject({ path: join(folder, 'taken') });
  await both('newer');
  expect([names, array].map((path) => readFileSync(path, 'utf8'))).toEqual(['newer', 'newer']);
  expect(readdirSync(folder)).toEqual(['a.jsonl', 'a.npy', 'taken']);
});

test('short writes are continued', async () => {
  const prototype = await fileHandlePrototype();
  const { write } = prototype;
  vi.spyOn(prototype, 'write').mockImplementation(function (this: unknown, ...args: unknown[]) {
    const [data, offset, length] = args as [Uint8Array, number, number];
    return write.call(this, data, offset, Math.min(length, 3));
  });
  await writeFileAtomic(join(folder, 'a'), '0123456789');
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('0123456789');
});

test('an error of the content or of the rename leaves no temporary file', async () => {
  const broken = (function* () {
    yield bytes('half');
    throw new Error('no more');
  })();
  await expect(writeFileAtomic(join(folder, 'a'), broken)).rejects.toThrow('no more');
  mkdirSync(join(folder, 'taken'));
  await expect(writeFileAtomic(join(folder, 'taken'), 'x')).rejects.toThrow();
  expect(readdirSync(folder)).toEqual(['taken']);
});

test('a folder that is missing or not writable gives the system error', async () => {
  await expect(writeFileAtomic(join(folder, 'none', 'a'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
  if (process.platform === 'win32' || process.getuid?.() === 0) return; // root may write anywhere
  chmodSync(folder, 0o500);
  await expect(writeFileAtomic(join(folder, 'a'), 'x')).rejects.toMatchObject({ code: 'EACCES' });
  chmodSync(folder, 0o700);
});

test('a process killed in the middle leaves the old file; its temporary file can be removed', async () => {
  const built = new URL('../../dist/io/atomic.js', import.meta.url).href;
  const script = `import { writeFileAtomic } from '${built}';
    async function* content() {
      for (;;) { yield new Uint8Array(1000); console.log('written'); await new Promise((wake) => setTimeout(wake, 5)); }
    }
    await writeFileAtomic(process.argv[1], content());`;
  const path = join(folder, 'checkpoint');
  writeFileSync(path, 'old');
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(await removeTemporaries(folder)).toHaveLength(1);
  expect(readdirSync(folder)).toEqual(['checkpoint']);
});
