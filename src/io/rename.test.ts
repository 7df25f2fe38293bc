import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { renamePatiently } from './rename.ts';

const folder = temporaryFolder();

/** A rename that fails a number of times with a system error. */
function failing(times: number, code: string) {
  let tries = 0;
  const move = async () => {
    if (tries++ < times) throw Object.assign(new Error(code), { code });
  };
  return { move, tries: () => tries };
}

it('renames', async () => {
  await writeFile(join(folder, 'a'), '1');
  await renamePatiently(join(folder, 'a'), join(folder, 'b'));
  expect([existsSync(join(folder, 'a')), existsSync(join(folder, 'b'))]).toEqual([false, true]);
});

it.each(['EPERM', 'EACCES', 'EBUSY'])(
  'waits on Windows where another program has the file open: %s',
  async (code) => {
    const { move, tries } = failing(3, code);
    await renamePatiently('from', 'to', { platform: 'win32', move });
    expect(tries()).toBe(4);
  },
);

it('gives up on Windows in the end', async () => {
  const { move, tries } = failing(1000, 'EBUSY');
  const before = performance.now();
  await expect(renamePatiently('from', 'to', { platform: 'win32', move })).rejects.toThrow('EBUSY');
  expect(tries()).toBe(10);
  expect(performance.now() - before).toBeGreaterThan(1500);
});

it.each([
  ['linux', 'EACCES'],
  ['darwin', 'EPERM'],
  ['win32', 'ENOENT'],
] as const)('does not wait on %s for %s, which does not pass', async (platform, code) => {
  const { move, tries } = failing(1, code);
  await expect(renamePatiently('from', 'to', { platform, move })).rejects.toThrow(code);
  expect(tries()).toBe(1);
});
