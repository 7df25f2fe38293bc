import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { commandLine } from './support/command-line.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages } from './support/tiny-run.ts';

const folder = temporaryFolder();
beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 12);
});

const { run } = commandLine(folder);

it('packs images, and other commands open the pack', async () => {
  const made = await run('data', 'pack', 'classes:images', '--output', 'pack', '--resize', '6');
  expect(made).toMatchObject({ code: 0 });
  expect(made.out).toContain('pack is complete: 12 images, 0.00 GB');
  expect(made.out).toContain('--data packed:pack');
  const counted = JSON.parse((await run('data', 'count', 'packed:pack', '--json')).out);
  expect(counted).toEqual(JSON.parse((await run('data', 'count', 'classes:images', '--json')).out));
  expect((await run('data', 'verify', 'packed:pack')).out).toContain('12 images, 0 of them broken');
  const again = await run('data', 'pack', 'classes:images', '--output', 'pack', '--resize', '6');
  expect(again.out).toContain('held these images already');
});

it('says what is wrong', async () => {
  const other = await run('data', 'pack', 'classes:images', '--output', 'pack', '--resize', '5');
  expect([other.code, other.err]).toEqual([1, expect.stringContaining('choose another folder')]);
  const negative = await run('data', 'pack', 'images', '--output', 'pack2', '--resize', '-5');
  expect(negative.err).toContain('--resize must be a whole number of at least 0, got "-5"');
  expect((await run('data', 'pack', 'images')).err).toContain("required option '--output <folder>'");
  expect((await run('data', 'verify', 'packed:images')).err).toContain("'data pack' has completed");
});
