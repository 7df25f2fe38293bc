import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { runFolder } from './folder.ts';
import { appendSitting, commandOf, readSittings } from './sittings.ts';
import { runTitle } from './title.ts';

const folder = temporaryFolder();

it('keeps every sitting', async () => {
  const run = runFolder(folder);
  expect(await readSittings(run)).toEqual([]);
  await appendSitting(run, 'an engine', { source: 'cifar10', images: 10, testImages: 0 });
  await appendSitting(run, 'another', { source: 'cifar10', images: 20, testImages: 5, folds: 5 });
  const [first, second] = await readSittings(run);
  expect(first).toMatchObject({ engine: 'an engine', source: 'cifar10', images: 10 });
  expect(first).not.toHaveProperty('folds');
  expect(second).toMatchObject({ engine: 'another', folds: 5 });
});

it.each([
  [
    ['/usr/bin/node', '/x/node_modules/.bin/beyond-masking', 'knn', 'runs/a b'],
    "npx beyond-masking knn 'runs/a b'",
  ],
  [['node', '/x/dist/cli/main.js', 'list'], 'npx beyond-masking list'],
  [['/usr/bin/node', join(process.cwd(), 'train.mjs'), '--fast'], 'node train.mjs --fast'],
])('%j is %s', (argv, command) => {
  expect(commandOf(argv)).toBe(command);
});

it('the heading of a run without a recipe names task and images', () => {
  const title = (recipe: string, source: string, task?: string) =>
    runTitle(
      {
        recipe,
        data: { source } as never,
        ...(task !== undefined && { task: { name: task } as never }),
      },
      { title: 'segmentation' },
    );
  expect(title('custom', 'classes:/data/flowers', 'masked')).toBe('masked, flowers');
  expect(title('custom', 'photos/', 'blurred')).toBe('blurred, photos');
  expect(title('custom', 'cifar10')).toBe('segmentation, cifar10');
  expect(title('cifar10-micro-masked', 'cifar10', 'masked')).toBe('cifar10-micro-masked');
});
