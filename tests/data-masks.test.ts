import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commandLine } from './support/command-line.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();
const { run } = commandLine(folder);

it('draws pictures, scans their masks, and says what is wrong with them', async () => {
  const made = await run(
    'data',
    'shapes',
    '--output',
    'shapes',
    '--train',
    '8',
    '--val',
    '2',
    '--size',
    '32',
  );
  expect(made).toMatchObject({ code: 0 });
  expect(made.out).toContain('shapes is complete: 10 pictures with masks\nuse it with masks:shapes');
  const verified = await run('data', 'verify', 'masks:shapes');
  expect(verified.code).toBe(0);
  expect(verified.out).toMatch(
    /^8 images with masks, [234] values\n\nvalue {2}class +pixels +images\n0 +background +\d/,
  );
  expect((await run('data', 'count', 'masks:shapes@val')).out).toContain('2 images');

  await writeFile(join(folder, 'shapes/classes.json'), '{"1": "a", "2": "b", "3": "c"}');
  const apart = await run('data', 'verify', 'masks:shapes');
  expect(apart.code).toBe(1);
  expect(apart.out).toContain('the classes begin at 1: name the value 0 as a class, or put it into "ignore"');
  await rm(join(folder, 'shapes/classes.json'));
  expect((await run('data', 'count', 'masks:shapes')).err).toContain(
    'the classes of masks must be listed in',
  );
  expect((await run('data', 'shapes', '--output', 'shapes')).err).toContain('an empty folder, got files in');
  expect((await run('data', 'shapes', '--output', 'x', '--size', '3')).err).toContain(
    '--size must be a whole number',
  );
});
