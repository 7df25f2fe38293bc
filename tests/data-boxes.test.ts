import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commandLine } from './support/command-line.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();
const { run } = commandLine(folder);

it('draws pictures, counts their objects, and says what is wrong with annotations', async () => {
  const made = await run(
    'data',
    'shapes',
    '--output',
    'shapes',
    '--train',
    '6',
    '--val',
    '2',
    '--size',
    '32',
  );
  expect(made.out).toContain('use it with masks:shapes or boxes:shapes');
  const verified = await run('data', 'verify', 'boxes:shapes');
  expect(verified).toMatchObject({ code: 0 });
  expect(verified.out).toMatch(
    /^6 images, \d+ objects, \d in an image at most, \d+ with masks\n\nclass +objects +images +small +medium +large\ndisc +\d/,
  );

  const file = join(folder, 'shapes/annotations/instances_train.json');
  const json = JSON.parse(await readFile(file, 'utf8'));
  Object.assign(json.images[1], { width: 64 });
  for (const annotation of json.annotations) annotation.segmentation = [];
  json.annotations[0].bbox = [5, 5, -2, 3];
  await writeFile(file, JSON.stringify(json));
  const broken = await run('data', 'verify', 'boxes:shapes');
  expect(broken.code).toBe(1);
  expect(broken.out).toContain(
    "annotation 1 of '00001.png': the width and height of a bbox must not be negative",
  );
  expect(broken.out).toContain('00002.png: annotations must state the size of the upright picture, 32 × 32');
  const opened = await run('data', 'count', 'boxes:shapes');
  expect(opened.code).toBe(1);
  expect(opened.err.trim().split('\n').at(-1)).toMatch(/^error: .*must not be negative, got \[5, 5, -2, 3\]/);
});
