import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinySettings } from './support/tiny-run.ts';

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const folder = temporaryFolder();

function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [main, ...args], { cwd: folder }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 24);
  const study = {
    arms: ['scratch', 'masked'],
    seeds: [1],
    pretrain: tinySettings('classes:images', { training: { epochs: 1 } }),
    knn: {},
    finetune: [{ training: { epochs: 1, batchSize: 4, warmupEpochs: 0 } }],
  };
  await writeFile(join(folder, 'tiny.json'), JSON.stringify(study));
  await writeFile(join(folder, 'wrong.json'), JSON.stringify({ ...study, arms: ['maskd'] }));
});

it('runs a study, resumes it, lists it, and reports its runs', async () => {
  const first = await run('study', 'tiny.json');
  expect(first.err).not.toContain('error');
  expect(first.code).toBe(0);
  expect(first.out).toContain('2/7 scratch-seed1-knn: finished in');
  const tables = await readFile(join(folder, 'runs', 'tiny', 'results.md'), 'utf8');
  expect(first.out).toContain(tables);
  for (const line of ['### Equal steps', '### Equal compute', '| top-1 | kNN | fine-tune 100 % |'])
    expect(tables).toContain(line);

  expect(await run('study', 'tiny.json')).toEqual({ code: 0, out: `${tables}\n`, err: '' });
  expect(await run('study', 'tiny.json', '--tabulate')).toEqual({ code: 0, out: `${tables}\n`, err: '' });
  const { out } = await run('study', 'tiny.json', '--list');
  expect(out.match(/ finished$/gm)).toHaveLength(7);

  const runs = [
    'scratch-seed1',
    'masked-1ep-seed1',
    'masked-1ep-seed1-knn',
    'masked-1ep-seed1-finetune100-1ep',
  ];
  const report = await run(
    'report',
    ...runs.map((id) => join('runs', 'tiny', 'runs', id)),
    '--output',
    'r.md',
  );
  expect(report).toMatchObject({ code: 0, out: 'r.md\n', err: '' });
  const page = await readFile(join(folder, 'r.md'), 'utf8');
  expect(page).toMatch(/\| masked-1ep-seed1: masked \| 4 \| \d+ % \(\d+–\d+ %\) \| \d+ % \(\d+–\d+ %\) \|/);
});

it('answers wrong studies with what is wrong', async () => {
  const wrong = await run('study', 'wrong.json');
  expect(wrong.code).toBe(2);
  expect(wrong.err).toMatch(/^error: arms\[0\] must be one of .*did you mean "masked"/);
  const none = await run('study', 'none.json');
  expect(none).toMatchObject({ code: 1, err: 'error: the file or folder does not exist: none.json\n' });
});
