import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { predict } from '../src/evaluate/predict.ts';
import { reconstruct } from '../src/reconstruct.ts';
import { openModel } from '../src/weights/model.ts';
import { packagedFolder, packagedModels, packagedPicture } from '../src/weights/packaged.ts';

it.each(packagedModels())('%s comes with a card and a picture, and answers by its name', async (name) => {
  const folder = packagedFolder(name)!;
  const file = join(folder, 'model.safetensors');
  expect((await stat(file)).size).toBeLessThan(5e6);
  const card = await readFile(join(folder, 'README.md'), 'utf8');
  for (const word of ['Data', 'Recipe', 'Scores', 'Licence']) expect(card).toContain(`**${word}**`);
  const model = await openModel(name);
  expect(model).toMatchObject({ path: file, classifier: { classes: 10, pooling: 'mean' } });
  expect(model.decoder).toBeDefined();

  const grid = await sharp(await reconstruct(name)).metadata();
  expect(grid.width).toBeGreaterThan(300);
  for await (const { classes } of predict(name, [packagedPicture(file)!], { top: 10 }))
    expect(classes.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
  expect.hasAssertions();
});

it('a folder of the same name comes first', async () => {
  expect(packagedFolder('nothing')).toBeUndefined();
  await expect(openModel('nothing')).rejects.toThrow('nothing: no such file or folder');
});
