import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandLine } from './support/command-line.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinyOptions } from './support/tiny-run.ts';

const folder = temporaryFolder();
const { run } = commandLine(folder);
const built = (name: string) => new URL(`../dist/exports/${name}.js`, import.meta.url).href;

const MINE = `
import { mul } from '${built('graph')}';
import { plain } from '${built('nn')}';

export const tasks = [{ ...plain, name: 'inverted', summary: 'black for white', degrade: (view) => mul(view, -1) }];
export const evaluators = [{
  name: 'count',
  async *run(session, watch, { features, train }) {
    yield ['trained', (await features(train)).indices.length];
  },
}];
export const sources = [{
  scheme: 'stripes', argument: 'N', help: 'N striped images', example: 'stripes:9', labelled: false, absolute: String,
  open: async (rest) => ({
    name: 'stripes', length: Number(rest), contentKey: rest, id: String,
    image: (i) => ({ width: 8, height: 8, channels: 3, data: Uint8Array.from({ length: 192 }, (_, k) => (k * i) % 256) }),
  }),
}];
export const helper = 7;
`;

const tiny = tinyOptions('training.warmupEpochs=0', 'data.heldOut=0.25');
const pretrain = (...more: string[]) =>
  run('pretrain', ...tiny, '--engine', 'reference', '--epochs', '3', '--batch-size', '4', ...more);

beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 16);
  await writeFile(join(folder, 'mine.mjs'), MINE);
  await writeFile(join(folder, 'mine.ts'), `${MINE}\nexport const typed: number = 7;\n`);
  await writeFile(join(folder, 'task.mjs'), 'export const task = {};');
  await writeFile(join(folder, 'empty.mjs'), '');
  await writeFile(join(folder, 'syntax.mjs'), 'export const a = 1;\nexport const tasks = [;\n');
  await writeFile(join(folder, 'throws.mjs'), "throw new Error('nothing\\nto see');");
  await writeFile(join(folder, 'imports.mjs'), "import 'no-such-package';");
  await writeFile(join(folder, 'object.mjs'), 'export const tasks = { name: 1 };');
  await writeFile(join(folder, 'methods.mjs'), "export const tasks = [{ name: 'mine' }];");
});

describe('--task-file', () => {
  it('trains, says how to resume, resumes, reconstructs and previews', async () => {
    const own = ['--task-file', 'mine.mjs', '--output', 'run'];
    const first = await pretrain(
      '--data',
      'stripes:16',
      '--set',
      'task.name=masked+inverted',
      '--max-steps',
      '4',
      ...own,
    );
    expect(first).toMatchObject({ code: 0 });
    expect(first.out).toContain(
      'npx beyond-masking pretrain --resume run --task-file mine.mjs --max-steps 0',
    );
    const config = JSON.parse(await readFile(join(folder, 'run/config.json'), 'utf8'));
    expect(config).toMatchObject({
      data: { source: 'stripes:16' },
      own: { tasks: ['inverted'], sources: ['stripes'], evaluators: ['count'] },
    });
    const without = await run('pretrain', '--resume', 'run', '--max-steps', '0');
    expect(without.code).toBe(1);
    expect(without.err.trim()).toBe(
      'error: the run needs its own task "inverted", got none of that name: hand it in, as in { parts: { tasks: [...] } }, or on the command line with --task-file FILE',
    );
    const resumed = await run('pretrain', '--resume', 'run', '--max-steps', '0', '--task-file', 'mine.mjs');
    expect(resumed).toMatchObject({ code: 0 });
    const rows = (await readFile(join(folder, 'run/metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.at(-1)).toMatchObject({ step: 9, trained: 12 });

    for (const [code, ...line] of [
      [0, 'reconstruct', 'run', '--task-file', 'mine.mjs', '--output', 'a.png'],
      [1, 'reconstruct', 'run', '--output', 'b.png'],
      [
        0,
        'preview',
        'images',
        '--task-file',
        'mine.mjs',
        '--size',
        '8',
        '--engine',
        'reference',
        '--output',
        'c.png',
      ],
      [0, 'embed', 'stripes:5', '--from', 'run', '--task-file', 'mine.mjs', '--output', 'd.npy'],
      [0, 'inspect', 'run'],
      [0, 'report', 'run', '--output', 'report.html'],
    ] as const)
      expect(await run(...line), line.join(' ')).toMatchObject({ code });
  });

  it.each([
    [
      'nowhere.mjs',
      /^error: nowhere\.mjs: no such file; a task file is a module: mine\.mjs, mine\.js or mine\.ts$/,
    ],
    ['images', /^error: images: no such file;/],
    [
      'task.mjs',
      /^error: a task file must export tasks, .*, or some of them, got task in task\.mjs: export const tasks = \[mine\]$/,
    ],
    ['empty.mjs', /got no exports in empty\.mjs/],
    [
      'syntax.mjs',
      /^error: syntax\.mjs must load, got: Unexpected token ';'; node --check syntax\.mjs shows where$/,
    ],
    ['throws.mjs', /^error: throws\.mjs must load, got: nothing$/],
    ['imports.mjs', /^error: imports\.mjs must load, got: Cannot find package 'no-such-package'/],
    ['object.mjs', /^error: parts\.tasks must be a list of objects, got object$/],
    [
      'methods.mjs',
      /^error: the own task "mine" must have a method view, got undefined: begin the object with \.\.\.plain, which has them all$/,
    ],
  ])('%s is refused in one line', async (file, message) => {
    const { code, err } = await pretrain('--data', 'images', '--task-file', file, '--output', 'refused');
    expect(err.trim()).toMatch(message);
    expect(code).toBe(1);
  });

  const reads = (process.features as { readonly typescript?: unknown }).typescript;
  it(reads ? 'reads TypeScript' : 'says which Node reads TypeScript, and what else helps', async () => {
    const own = ['--task-file', 'mine.ts', '--output', 'typed', '--max-steps', '1'];
    const { code, err } = await pretrain('--data', 'images', '--set', 'task.name=inverted', ...own);
    expect(code).toBe(reads ? 0 : 1);
    if (reads) return;
    expect(err).toContain('needs a Node that strips types, 22.18 or later, got Node');
    expect(err).toContain('npx tsc --module nodenext --target es2022 mine.ts');
  });
});
