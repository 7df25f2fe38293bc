import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import type { ConfigInput } from '../src/config/schema.ts';
import type { Parts } from '../src/parts/parts.ts';
import type { pretrain as Pretrain } from '../src/pretrain.ts';
import { compile, emptyProject, runProgram } from './support/empty-project.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinySettings } from './support/tiny-run.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
const folder = temporaryFolder();
const programs = readdirSync(join(repository, 'tests', 'newcomer'));

/** Code of a page, by the file name that its first line gives; blocks without one have a number. */
function blocksOf(page: string): [name: string, code: string][] {
  const text = readFileSync(join(repository, page), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code], i) => {
    const name = /^\/\/ (\S+\.ts)\n/.exec(code!)?.[1] ?? `block-${i}.ts`;
    return [`${basename(page, '.md')}/${name}`, code!];
  });
}

/** Pages whose code a user runs. That of adding-a-task.md lies in this repository. */
const pages = [
  'README.md',
  ...readdirSync(join(repository, 'docs'))
    .filter((name) => name.endsWith('.md') && name !== 'adding-a-task.md')
    .map((name) => `docs/${name}`),
];
const blocks = pages.flatMap(blocksOf);

beforeAll(async () => {
  await emptyProject(folder);
  await tinyImages(join(folder, 'images'), 16);
});

it('programs and documented code compile under strict against the packed package', async () => {
  expect(blocks.length).toBeGreaterThan(10);
  const own = programs.map((name) => [
    name,
    readFileSync(join(repository, 'tests', 'newcomer', name), 'utf8'),
  ]);
  expect(await compile(folder, Object.fromEntries([...own, ...blocks]))).toBe('');
});

it.each([
  [
    'own-task',
    'interrupted\nthe run needs its own task "swapped", got none of that name: hand it in, as in { parts: { tasks: [...] } }, or on the command line with --task-file FILE\nfinished 6\n',
  ],
  ['evaluator-and-source', '[ true, true ]\n[ true, true ]\n4\n'],
  [
    'neighbours',
    "the data must be a folder, got the file 'images/class0/000.png': predict, embed, reconstruct and preview take single images, and so does openImages(['images/class0/000.png']) of the library; for other commands name its folder\nclass0/000.png 1.000000 3\n[ 16, 8 ] true 16\n",
  ],
])('a newcomer runs %s', async (name, output) => {
  expect(await runProgram(folder, `${name}.js`)).toBe(output);
});

it('the parts of docs/own-parts.md train', async () => {
  const built = (path: string) => pathToFileURL(join(folder, path)).href;
  const load = (name: string) => import(built(`built/own-parts/${name}.js`));
  const { pretrain } = (await import(built('node_modules/beyond-masking/dist/index.js'))) as {
    pretrain: typeof Pretrain;
  };
  const train = (output: string, parts: Parts, settings: ConfigInput) =>
    pretrain(tinySettings(join(folder, 'images'), settings), {
      output: join(folder, output),
      scoreCache: false,
      parts,
    });
  const [task, mask, target, mine, augmentation, engine] = await Promise.all(
    ['task', 'mask', 'target', 'mine', 'augmentation', 'engine'].map(load),
  );
  const short = { training: { epochs: 1, warmupEpochs: 0 } };
  const parts = {
    tasks: [task.inverted, task.dimmed],
    masks: [mask.stripes],
    targets: [target.colour],
    ...augmentation,
  };
  const settings = {
    task: { name: 'masked+dimmed', mask: 'stripes' },
    model: { target: 'colour' },
    ...short,
  };
  expect(await train('runs/all', parts, settings)).toMatchObject({ outcome: 'finished' });
  const discs = { data: { source: 'discs:600' }, task: { name: 'inverted' }, ...short };
  const { tasks, evaluators, sources } = mine as Parts;
  expect(await train('runs/inverted', { tasks, evaluators, sources }, discs)).toMatchObject({
    outcome: 'finished',
  });
  const own = { tasks, engine: await engine.timed() };
  expect(await train('runs/timed', own, { task: { name: 'inverted' }, ...short })).toMatchObject({
    outcome: 'finished',
  });
  expect(await runProgram(folder, 'own-parts/neighbours.js')).toMatch(/^class0\/000\.png 1\.000\n/);
});
