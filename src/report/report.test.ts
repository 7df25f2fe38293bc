import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fc } from '../../tests/support/random.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { tinyImages, tinySettings } from '../../tests/support/tiny-run.ts';
import { pretrain } from '../pretrain.ts';
import { report } from './report.ts';

const folder = temporaryFolder();
const odd = '<b> & "c"|_x_';

/** A folder with settings and rows, as runs leave them. */
async function fakeRun(name: string, config: object, rows: readonly object[]): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'config.json'), JSON.stringify(config));
  await writeFile(join(path, 'metrics.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

/** The cells of the table under a heading. */
function tableUnder(markdown: string, heading: string): string[][] {
  const lines = markdown
    .slice(markdown.indexOf(`## ${heading}\n`))
    .split('\n')
    .slice(2);
  const end = lines.findIndex((line) => !line.startsWith('|'));
  const rows = lines.slice(0, end).map((line) => line.slice(2, -2).split(' | '));
  return rows.filter((_, i) => i !== 1);
}

const finetune = (name: string, from: string, top1: number, more: object = {}) =>
  fakeRun(
    name,
    { kind: 'finetune', from, data: { source: 'cifar10', labels: 0.1 }, training: { epochs: 3 }, ...more },
    [
      { step: 5, epoch: 1, loss: 2, seconds: 3700, top1: 0.99, evaluationLoss: 1.5 },
      { step: 10, epoch: 2, loss: 1.5, seconds: 3723.4, top1, evaluationLoss: 1.25 },
      { step: 11, epoch: 2.2, loss: null, seconds: 3724 },
    ],
  );

const runs: string[] = [];
beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 12);
  const real = join(folder, odd);
  await pretrain(
    tinySettings(`classes:${join(folder, 'images')}`, {
      training: { epochs: 1 },
      evaluation: { knnEvery: 1 },
    }),
    { output: real },
  );
  const knn = (features: number, more = {}) => ({ knn: { features, train: 10_000, test: 2000, ...more } });
  const fake = await fakeRun(
    'fake',
    { seed: 7, task: { name: 'masked' }, data: { source: 'cifar10' }, training: { epochs: 3 } },
    [
      { step: 0, epoch: 0, ...knn(0.2, { random: 0.2, pixels: 0.3 }) },
      { step: 1, epoch: 0.5, loss: 1 },
      { step: 2, epoch: 1, loss: 0.5, heldOutLoss: 0.75, imagesPerSecond: 12, ...knn(0.456) },
    ],
  );
  runs.push(
    real,
    fake,
    await finetune('ft1', join(fake, 'checkpoints', 'step-00000002.safetensors'), 0.5, { seed: 1 }),
    await finetune('ft2', fake, 0.6, { seed: 2 }),
    await finetune('ft3', '', 0.25),
    await finetune('ft4', join(folder, 'fakes', 'x.safetensors'), 0.125),
    await fakeRun('probe', { kind: 'linprobe', from: fake }, [{ step: 1, epoch: 1, top1: 0.4 }]),
  );
});

describe('report', () => {
  it('shows measures without labels of runs that have some', async () => {
    const panel = { images: 1000, rankMe: 23.4567, meanCosine: 0.5, deadDirections: 0.125 };
    const measured = await fakeRun('measured', { seed: 9, task: { name: 'masked' } }, [
      { step: 1, epoch: 1, loss: 1, psnr: 18.25, psnrOfMeans: 18, panel: { ...panel, rankMe: 20 } },
      { step: 2, epoch: 2, loss: 1, psnr: 19.5, psnrOfMeans: 18, panel },
    ]);
    const output = join(folder, 'out', 'measures.md');
    await report([...runs.slice(1), measured], { output });
    expect(tableUnder(await readFile(output, 'utf8'), 'Without labels')).toEqual([
      ['run', 'PSNR, dB', 'of means, dB', 'RankMe', 'mean cosine', 'dead directions'],
      ['measured', '19.50', '18.00', '23.46', '0.5', '12.5 %'],
    ]);
    const svg = await readFile(join(folder, 'out', 'measures-pictures', 'label-free.svg'), 'utf8');
    for (const title of ['PSNR above that of the patch means, dB', 'RankMe', 'dead directions'])
      expect(svg).toContain(`>${title}<`);
    expect(svg).not.toContain('LiDAR');
    await report(runs.slice(1, 2), { output });
    expect(await readFile(output, 'utf8')).not.toContain('Without labels');
  });

  it('tabulates what was learned, by the run that others started from', async () => {
    const output = join(folder, 'out', 'page.md');
    const { files } = await report(runs.slice(1), { output, title: 'T' });
    const markdown = await readFile(output, 'utf8');
    expect(tableUnder(markdown, 'What was learned: cifar10')).toEqual([
      ['top-1', 'steps', 'kNN', 'linear', 'fine-tune 10 %, 3 epochs'],
      ['raw pixels', '', '30.0 %', '–', '–'],
      ['random weights', '', '20.0 %', '–', '–'],
      ['from scratch', '', '–', '–', '25.0 %'],
      ['fake: masked', '2', '45.6 %', '40.0 %', '55.0 ± 7.1 % (2 runs)'],
      [
        `ft4, from ${resolve(folder, 'fakes', 'x.safetensors')}`.replaceAll('_', '\\_'),
        '',
        '–',
        '–',
        '12.5 %',
      ],
    ]);
    const overview = tableUnder(markdown, 'Runs');
    expect(overview[1]).toEqual([
      'fake',
      'masked',
      'cifar10',
      'random weights',
      '1 of 3',
      '2',
      '0.5000',
      '0.7500',
      '12',
      '–',
      '–',
    ]);
    expect(overview[2]!.slice(0, 10)).toEqual([
      'ft1',
      'finetune',
      'cifar10',
      'fake',
      '2.2 of 3',
      '11',
      '1.5000',
      '1.2500',
      '–',
      '1:02:04',
    ]);
    const differing = tableUnder(markdown, 'Settings that differ: fine-tuning');
    expect(differing).toEqual([
      ['setting', 'ft1', 'ft2', 'ft3', 'ft4'],
      ['seed', '1', '2', '–', '–'],
    ]);
    expect(files).toEqual([output, join(folder, 'out', 'page-pictures', 'curves.svg')]);
    const svg = await readFile(files[1]!, 'utf8');
    for (const title of [
      'Loss of pre-training, smoothed',
      'kNN top-1 of pre-training',
      'Top-1 of fine-tuning',
      'Evaluation loss of fine-tuning',
    ])
      expect(svg).toContain(`>${title}</text>`);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('has a table for each data set, and says where every score comes from', async () => {
    const sitting = (source: string, images: number, testImages: number, more: object = {}) => ({
      date: '2026-01-02T03:04:05.678Z',
      version: '1.2.3',
      command: `npx beyond-masking x --data '${source}'`,
      ...{ engine: 'e', source, images, testImages, ...more },
    });
    const sat = async (path: string, ...rows: object[]) => {
      await writeFile(join(path, 'sittings.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      return path;
    };
    const flowers = `classes:${join(folder, 'flowers')}`;
    const task = { name: 'masked' };
    const knn = (features: number, train: number, test: number, more: object = {}) => ({
      knn: { k: 20, features, random: 0.25, pixels: 0.5, train, test, ...more },
    });
    const linear = { features: 0.45, random: 0.25, pixels: 0.35 };
    const one = await sat(
      await fakeRun('one', { task, data: { source: 'cifar10' } }, [
        { step: 0, ...knn(0.2, 10_000, 2000, { linear }) },
        { step: 9, ...knn(0.4, 10_000, 2000, { linear: { features: 0.65 } }) },
      ]),
      sitting('elsewhere', 1, 1),
      sitting('cifar10', 50_000, 2000),
    );
    const reported = { kind: 'knn', from: one, data: flowers };
    const judged = [
      await sat(
        await fakeRun('one-knn', reported, [{ step: 0, top1: 0.75, ...knn(0.75, 59, 60) }]),
        sitting(flowers, 59, 60, { folds: 60 }),
      ),
      await sat(
        await fakeRun('one-probe', { kind: 'linprobe', from: one }, [{ step: 5, top1: 0.5 }]),
        sitting(flowers, 60, 60, { folds: 10 }),
      ),
      await sat(
        await fakeRun(
          'one-tuned',
          { kind: 'finetune', from: one, data: { source: flowers }, training: { epochs: 1 } },
          [{ step: 5, top1: 1 }],
        ),
        sitting(flowers, 54, 6),
      ),
    ];
    const output = join(folder, 'groups.md');
    await report([one, ...judged], { output });
    const from = (source: string) => [
      ...['2026-01-02 03:04', '1.2.3', `npx beyond-masking x --data '${source}'`],
    ];
    const markdown = (await readFile(output, 'utf8')).replaceAll('\\_', '_');
    expect(tableUnder(markdown, 'What was learned: cifar10')).toEqual([
      ['top-1', 'steps', 'kNN', 'brief linear'],
      ['raw pixels', '', '50.0 %', '35.0 %'],
      ['random weights', '', '25.0 %', '25.0 %'],
      ['one: masked', '9', '40.0 %', '65.0 %'],
    ]);
    expect(markdown).toContain('Brief linear: the probe that a run trains beside its kNN');
    const cifar10 = ['2,000 images', '10,000 images', 'one', ...from('cifar10')];
    expect(markdown).toContain(`| ${['brief linear, raw pixels', '35.0 %', ...cifar10].join(' | ')} |`);
    expect(markdown).toContain(`| ${['brief linear', '65.0 %', ...cifar10].join(' | ')} |`);
    expect(tableUnder(markdown, `What was learned: ${flowers}`)).toEqual([
      ['top-1', 'steps', 'kNN', 'linear', 'fine-tune 100 %, 1 epoch'],
      ['raw pixels', '', '50 % (38–62 %)', '–', '–'],
      ['random weights', '', '25 % (16–37 %)', '–', '–'],
      ['one: masked', '9', '75 % (63–84 %)', '50 % (38–62 %)', '100 % (61–100 %)'],
    ]);
    for (const row of [
      [
        'kNN, raw pixels, k 20',
        '50 % (38–62 %)',
        '60 images, leave-one-out',
        '59 images',
        'one-knn',
        ...from(flowers),
      ],
      ['kNN, k 20', '75 % (63–84 %)', '60 images, leave-one-out', '59 images', 'one-knn', ...from(flowers)],
      [
        'linear',
        '50 % (38–62 %)',
        '60 images, 10-fold cross-validation',
        '60 images',
        'one-probe',
        ...from(flowers),
      ],
      [
        'fine-tune 100 %, 1 epoch',
        '100 % (61–100 %)',
        '6 images',
        '54 images',
        'one-tuned',
        ...from(flowers),
      ],
    ])
      expect(markdown).toContain(`| ${row.join(' | ')} |`);
    expect(markdown).toContain('fewer than 1,000 images');
    expect(tableUnder(markdown, 'Runs')[1]!.slice(0, 3)).toEqual(['one', 'masked', 'cifar10: 50,000']);
    // Of a run of an earlier version only the date is known, by its files.
    const old = await report([runs[1]!], { output });
    expect(old.unreadable).toEqual([]);
    expect(await readFile(output, 'utf8')).toMatch(
      /\| kNN, k 20 \| 45\.6 % \| 2,000 images \| 10,000 images \| fake \| 20\d\d-[\d: -]+ \| – \| – \|/,
    );
  });

  it('is one HTML file that loads nothing, with everything escaped', async () => {
    const output = join(folder, 'page.html');
    expect((await report(runs, { output, title: '<i>' })).files).toEqual([output]);
    const html = await readFile(output, 'utf8');
    expect(html).toContain('<h1>&lt;i&gt;</h1>');
    expect(html).toContain('&lt;b&gt; &amp; &quot;c&quot;|_x_: masked+zoomed-in');
    expect(html).not.toMatch(/<b>|<i>|<script|https?:/);
    expect(html).toContain('float64'); // the engine, as the checkpoint of the real run says
    const pictures = [...html.matchAll(/src="data:(image\/[a-z+]+);base64,([^"]+)"/g)];
    expect(pictures.map(([, type]) => type)).toEqual(['image/svg+xml', 'image/svg+xml', 'image/png']);
    const drawn = await readdir(join(runs[0]!, 'reconstructions'));
    const newest = await readFile(join(runs[0]!, 'reconstructions', drawn.sort().at(-1)!));
    expect(Buffer.from(pictures[2]![2]!, 'base64').equals(newest)).toBe(true);
  });

  it('says which folders it could not read, and reports the others', async () => {
    const torn = await fakeRun('torn', {}, []);
    await writeFile(join(torn, 'metrics.jsonl'), 'hello\n{"step":1}\n');
    const broken = await fakeRun('broken', {}, []);
    await writeFile(join(broken, 'config.json'), '{"a":');
    const list = await fakeRun('list', [1], []);
    const none = join(folder, 'nowhere');
    const output = join(folder, 'some.html');
    const { unreadable } = await report([torn, broken, list, none, runs[1]!], { output });
    const html = await readFile(output, 'utf8');
    expect(unreadable.map(({ path }) => path)).toEqual([torn, broken, list, none]);
    expect(unreadable.at(-1)!.reason).toBe('no such file or folder'); // the path stands beside it
    for (const words of [
      'line 1 must be a JSON object',
      'must be JSON',
      'must hold the settings',
      'no such file or folder',
    ])
      expect(html).toContain(words);
    await expect(report([none], { output })).rejects.toThrow(
      `a report needs a run that can be read, got none: ${none}: no such file or folder`,
    );
  });

  it('makes a page of whatever settings and rows there are', async () => {
    const key = fc.constantFrom('step', 'epoch', 'loss', 'top1', 'knn', 'seconds', 'imagesPerSecond', 'x');
    const setting = fc.constantFrom('kind', 'from', 'task', 'data', 'training', 'seed');
    const kind = fc.constantFrom('finetune', 'linprobe', 'knn', 'pretrain');
    const step = fc.record({ step: fc.integer() }, { noNullPrototype: true });
    const rows = fc.array(fc.tuple(fc.dictionary(key, fc.jsonValue()), fc.option(step)), { maxLength: 4 });
    const config = fc.tuple(fc.dictionary(setting, fc.jsonValue()), fc.option(kind));
    let made = 0;
    const output = join(folder, 'any.html');
    await fc.assert(
      fc.asyncProperty(config, rows, async ([settings, kind], rows) => {
        const path = await fakeRun(
          `any-${made++}`,
          kind ? { ...settings, kind } : settings,
          rows.map(([row, step]) => ({ ...row, ...step })),
        );
        expect((await report([path], { output })).unreadable).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('distinguishes runs of one name by their paths, and takes runs without a row', async () => {
    const [a, b] = [await fakeRun('x/same', {}, []), await fakeRun('y/same', {}, [])];
    const output = join(folder, 'same.md');
    await report([a, b], { output });
    const markdown = await readFile(output, 'utf8');
    expect(tableUnder(markdown, 'Runs').map((row) => row[0])).toEqual(['run', a, b]);
    expect(markdown).toContain('No run has been judged yet');
  });

  it.skipIf(process.platform === 'win32')(
    'knows a run and its images by every name of their folders',
    async () => {
      const knn = { features: 0.5, train: 10, test: 10 };
      const images = join(folder, 'linked images');
      const from = await fakeRun(
        'linked',
        { task: { name: 'masked' }, data: { source: `classes:${images}` } },
        [
          { step: 0, knn },
          { step: 1, knn },
        ],
      );
      await mkdir(images);
      await symlink(folder, join(folder, 'link'));
      const other = join(folder, 'link', 'linked');
      const probe = await fakeRun(
        'linked-probe',
        {
          kind: 'linprobe',
          from: join(other, 'checkpoints', 'gone.safetensors'),
          data: `classes:${join(folder, 'link', 'linked images')}`,
        },
        [{ step: 1, top1: 0.25 }],
      );
      const output = join(folder, 'linked.md');
      await report([from, probe], { output });
      expect(tableUnder(await readFile(output, 'utf8'), `What was learned: classes:${images}`)).toEqual([
        ['top-1', 'steps', 'kNN', 'linear'],
        ['linked: masked', '1', expect.stringContaining('50 %'), '25.0 %'],
      ]);
    },
  );

  it('refuses another kind of page', async () => {
    await expect(report(runs, { output: 'page.pdf' })).rejects.toThrow(
      'a page must end in .html or .md, got page.pdf',
    );
  });
});
