import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readRows } from '../src/io/jsonl.ts';
import { commandLine } from './support/command-line.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinySettings } from './support/tiny-run.ts';

const folder = temporaryFolder();
const { run } = commandLine(folder);
const at = (...parts: string[]) => join(folder, ...parts);

const study = (epochs: number) => ({
  title: 'Tiny',
  seeds: [1, 2],
  pretrain: tinySettings('classes:images', { training: { epochs }, evaluation: { reconstructions: 0 } }),
  knn: { trainImages: 0 },
  finetune: [{ data: { labels: 0.5 }, training: { epochs: 1, batchSize: 4, warmupEpochs: 0 } }],
  groups: [
    { name: 'A', budgets: ['steps'], arms: ['scratch', 'masked'] },
    { name: 'B', budgets: ['steps'], judges: ['knn'], arms: [{ name: 'ours', task: 'blurred' }] },
  ],
  order: [{ group: 'B', seeds: [2] }, { group: 'A' }],
  primary: { group: 'A', judge: 'kNN', arms: ['masked', 'scratch'] },
});

beforeAll(async () => {
  await tinyImages(at('images'), 24);
  await writeFile(at('tiny.json'), JSON.stringify(study(1)));
  await writeFile(at('long.json'), JSON.stringify(study(100_000)));
});

async function texts(path: string): Promise<[name: string, text: string][]> {
  const names = (await readdir(path, { recursive: true })).filter((name) => /\.jsonl?$/.test(name));
  return Promise.all(
    names.map(async (name): Promise<[string, string]> => [name, await readFile(join(path, name), 'utf8')]),
  );
}

describe('study', () => {
  it('chooses epochs for a time, once', async () => {
    const command = ['study', 'tiny.json', '--fit', '20s', '--output', 'fitted', '--plan'];
    const chosen = `epochs for 20s: ${join('fitted', 'study.json')} (delete it to choose them again)\n`;
    const { code, out } = await run(...command);
    expect(code).toBe(0);
    expect(out).toContain(`measuring a minute of training\n${chosen}`);
    expect(out).toMatch(/^masked-\d{2,}ep-seed1 +pretrain/m);
    const again = await run(...command);
    expect(again.out).toBe(out.replace('measuring a minute of training\n', ''));
  });

  it('plans in the order of its file', async () => {
    const { code, out } = await run('study', 'tiny.json', '--plan');
    expect(code).toBe(0);
    const models = out.match(/^\S+-seed\d(?= )/gm);
    expect(models).toEqual([
      ...['ours-1ep-seed2', 'scratch-seed1', 'masked-1ep-seed1', 'scratch-seed2', 'masked-1ep-seed2'],
      'ours-1ep-seed1',
    ]);
    expect(out).toMatch(/^ours-1ep-seed2 +pretrain +4 +\d/m);
    expect(out).toMatch(
      /\nfinished: 0 of 16 pieces, left: [\d.]+ [kMG]FLOP, <1 min of training, then \d judges \(kNN, linear\)\n$/,
    );
  });

  it('stops in time inside of a piece, and goes on from there', async () => {
    // On a busy machine all takes longer: the time is counted in what a plan takes.
    const began = performance.now();
    await run('study', 'long.json', '--plan');
    const plan = (performance.now() - began) / 1000;
    const budget = Math.ceil(5 + 3 * plan);
    const command = ['study', 'long.json', '--keep', 'long-kept', '--budget', `${budget}s`];
    const steps = async () =>
      (await readRows(at('runs', 'long', 'runs', 'ours-100000ep-seed2', 'metrics.jsonl'))).map(
        ({ step }) => step,
      );
    let before = 0;
    for (let sitting = 0; sitting < 2; sitting++) {
      const started = performance.now();
      const { code, err } = await run(...command);
      expect((performance.now() - started) / 1000).toBeLessThan(budget + 2 * plan + 30);
      expect(code).toBe(0);
      expect(err).toMatch(
        /\nStopped after \d+s: finished: 0 of 16 pieces, left: [\d.]+ GFLOP, .*\. Resume with:\n/,
      );
      expect(err).toContain(
        `\n  npx beyond-masking study long.json --output runs/long --keep long-kept --budget ${budget}s\n`,
      );
      const made = await steps();
      expect(made).toEqual(made.map((_, i) => i + 1)); // none twice, none left out
      expect(made.length).toBeGreaterThan(before);
      before = made.length;
    }
  }, 240_000);

  it('keeps pieces, from which the page is made without output and images', async () => {
    const first = await run('study', 'tiny.json', '--keep', 'kept');
    expect(first.code).toBe(0);
    expect((await readdir(at('kept'))).length).toBe(17); // 16 pieces and the numbers of images
    for (const [name, text] of await texts(at('kept'))) expect(text, name).not.toContain(folder); // no paths of this machine
    const planned = await run('study', 'tiny.json', '--keep', 'kept', '--plan');
    expect(planned.out).toMatch(/\nfinished: 16 of 16 pieces\n$/);
    const page = await run('study', 'tiny.json', '--keep', 'kept', '--page', 'docs/a.md');
    await rm(at('runs', 'tiny'), { recursive: true });
    await rename(at('images'), at('elsewhere'));
    try {
      const again = await run('study', 'tiny.json', '--keep', 'kept', '--page', 'docs/b.md');
      expect([again.code, again.err]).toEqual([0, '']);
      const text = await readFile(at('docs', 'b.md'), 'utf8');
      expect(text.replaceAll('b-pictures', 'a-pictures')).toBe(await readFile(at('docs', 'a.md'), 'utf8'));
      expect(page.out).toContain('docs/a.md\n');
      for (const line of ['# Tiny', 'No score is missing of 10.', '## The question', '## A: equal steps'])
        expect(text).toContain(`${line}\n`);
      for (const [, path] of text.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g))
        expect(await readFile(at('docs', path!), 'utf8')).toMatch(/^<svg /);

      await rm(at('kept', 'masked-1ep-seed2-knn'), { recursive: true });
      const html = await run('study', 'tiny.json', '--keep', 'kept', '--page', 'docs/c.html');
      expect(html.out).toBe('docs/c.html\n');
      const less = await readFile(at('docs', 'c.html'), 'utf8');
      expect(less).toContain('Not finished: 1 of 10 scores missing.');
      expect(less).toContain('A: equal steps: kNN of masked, seed 2');
      expect(less).toContain('Not finished: 1 of 2 pairs are there.');
    } finally {
      await rename(at('elsewhere'), at('images'));
    }
    // On another machine: an empty output. One judge and its model are left.
    const left = await run('study', 'tiny.json', '--keep', 'kept', '--output', 'other', '--plan');
    expect(left.out).toMatch(/\nfinished: 15 of 16 pieces, left: 0 FLOP, about \d+ s at the rate/);
    const last = await run('study', 'tiny.json', '--keep', 'kept', '--output', 'other');
    expect(last.code).toBe(0);
    expect((await readdir(at('other', 'runs'))).sort()).toEqual(['masked-1ep-seed2', 'masked-1ep-seed2-knn']);
    const whole = await run('study', 'tiny.json', '--keep', 'kept', '--page', 'docs/d.md');
    expect(whole.code).toBe(0);
    const scores = /\| top-1, % [\s\S]*?\n\n/;
    const table = async (name: string) => scores.exec(await readFile(at('docs', name), 'utf8'))![0];
    expect(await table('d.md')).toBe(await table('a.md')); // the retrained model came to the same
  }, 240_000);

  it('answers wrong options with what is wrong', async () => {
    expect(await run('study', 'tiny.json', '--budget', 'soon')).toMatchObject({
      code: 2,
      err: 'error: --budget must be a time such as 20m, 1h30m or 90s, got "soon"\n',
    });
    expect(await run('study', 'tiny.json', '--page', 'x.pdf')).toMatchObject({
      code: 1,
      err: 'error: a page must end in .html or .md, got x.pdf\n',
    });
    await mkdir(at('empty'), { recursive: true });
    expect((await run('study', 'tiny.json', '--keep', 'empty', '--page', 'x.md')).err).toBe(
      `error: the folder of kept pieces must hold images.json, got none: ${join('empty', 'images.json')}\n`,
    );
  });
});
