import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { readRows } from '../src/io/jsonl.ts';
import { pretrain } from '../src/pretrain.ts';
import { commandHere } from './support/command-here.ts';
import { commandLine } from './support/command-line.ts';
import { readNpy } from './support/npy.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinySettings } from './support/tiny-run.ts';

const folder = temporaryFolder();
const { launch, run } = commandLine(folder);
const here = commandHere(folder);

beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 30);
  await tinyImages(join(folder, 'test'), 8, 2, 2);
  await writeFile(join(folder, 'test', 'class1', 'torn.png'), 'no image');
  await tinyImages(join(folder, 'one'), 6, 1);
  await tinyImages(join(folder, 'three'), 3, 3);
  await tinyImages(join(folder, 'single'), 1);
  const settings = { training: { epochs: 1 }, evaluation: { reconstructions: 0 } };
  await pretrain(tinySettings(`classes:${join(folder, 'images')}`, settings), {
    output: join(folder, 'run'),
  });
});

describe('judging a run', () => {
  it('linprobe, predict, embed and knn work on what the others leave', async () => {
    const probed = await run(
      ...[
        'linprobe',
        'run',
        '--test',
        'classes:test',
        '--optimizer',
        'sgd',
        '--rates',
        '0.1,1',
        '--epochs',
        '20',
      ],
      ...['--set', 'warmupEpochs=2', '--output', 'probe', '--tensorboard'],
    );
    expect(probed.out).toMatch(
      /^learning rate {2}top-1 on held-out[\s\S]*linear probe: top-1 100 % \(68–100 %\) on 8 test images\ntrained on 30 images[\s\S]*judged on 8 images only/,
    );
    expect(probed.err).toContain('broken image skipped: class1/torn.png');
    expect(probed.code).toBe(0);

    const table = await run('predict', 'test', '--from', 'probe', '--top', '1');
    expect(table.out).toMatch(/^image +likeliest\nclass0\/000\.png {2}class0 \d+\.\d %\n/);
    expect(table.out.match(/class(\d)\/\d+\.png +class\1 /g)).toHaveLength(8);

    const first = await run('predict', 'test', '--from', 'probe', '--output', 'all.jsonl', '--json');
    const again = await run('predict', 'test', '--from', 'probe', '--output', 'all.jsonl');
    expect(first.out).toBe(await readFile(join(folder, 'all.jsonl'), 'utf8'));
    expect(await readRows(join(folder, 'all.jsonl'))).toHaveLength(8);
    expect(again).toMatchObject({ code: 0, out: '0 predictions appended, 8 were there: all.jsonl\n' });

    const flat = await run('embed', 'test', '--from', 'run', '--output', 'flat.npy');
    expect(flat.out).toBe('8 images, 8 numbers each, 1 broken one left out\nflat.npy\nflat.images.jsonl\n');
    expect(readNpy(join(folder, 'flat.npy')).shape).toEqual([8, 8]);
    const classes = await run(
      'embed',
      'classes:test',
      '--from',
      'probe',
      '--output',
      'classes.parquet',
      '--json',
    );
    expect(JSON.parse(classes.out)).toMatchObject({
      images: 8,
      width: 8,
      broken: 1,
      files: ['classes.parquet'],
    });
    const rows = await parquetReadObjects({
      file: await asyncBufferFromFile(join(folder, 'classes.parquet')),
    });
    expect(rows.map((row) => row.class)).toEqual([...Array(4).fill('class0'), ...Array(4).fill('class1')]);

    const knn = await run('knn', 'probe', '--data', 'classes:images', '--test', 'classes:test');
    expect(knn.out).toMatch(/^kNN top-1 +k 1 +k 5 +k 10 +k 20\nfeatures of the model .*%\)\n/);
    expect(knn.out).toContain('30 images vote on 8');
    const few = await run('knn', 'run', '--output', 'few');
    expect(few.out).toMatch(
      /\nleave-one-out: each of 30 images is classified by all others[\s\S]*judged on 30 images only.*\n\nfew\n$/,
    );
    const other = await run('knn', 'run', '--output', 'few', '--seed', '1');
    expect(other.err).toContain(
      'a kNN report needs a new or empty folder, or that of the very same kNN report, got few with',
    );
    const page = await run('report', 'run', 'few', 'probe', '--output', 'page.md');
    expect(page).toMatchObject({ code: 0, err: '' });
    const text = await readFile(join(folder, 'page.md'), 'utf8');
    expect(text).toMatch(/## What was learned: classes:\S*images\n/);
    expect(text).toContain('## What was learned: classes:test\n');
    expect(text).toMatch(
      /\| kNN, k 20 \| \d+ % \(\d+–\d+ %\) \| 30 images, leave-one-out \| 29 images \| few \| 20\d\d-.* \| npx beyond-masking knn run --output few \|/,
    );

    const cache = await run('cache', '--json');
    expect(JSON.parse(cache.out).features.length).toBeGreaterThan(3);
    expect((await run('cache', '--clear')).out).toMatch(/^\d+ sets of features removed/);
    expect((await run('cache')).out).toMatch(/^0 sets of features kept/);
  });

  it('Ctrl-C keeps a probe, and --resume continues it', async () => {
    const probe = 'linprobe run --test classes:test --optimizer sgd --rates 0.1 --epochs 100 --output'.split(
      ' ',
    );
    const uninterrupted = await run(...probe, 'uninterrupted', '--json');
    const { child, finished } = launch([...probe, 'interrupted']);
    const rows = () => readRows(join(folder, 'interrupted', 'metrics.jsonl')).catch(() => []);
    await vi.waitFor(async () => expect((await rows()).length).toBeGreaterThan(2), {
      timeout: 60_000,
      interval: 1,
    });
    child.kill('SIGINT');
    expect(await finished).toMatchObject({
      code: 130,
      err: expect.stringContaining(
        'Stopped; finished work was saved: run the same command again to continue',
      ),
    });
    const before = await rows();
    expect(before.length).toBeLessThan(100);
    const again = await run('linprobe', '--resume', 'interrupted', '--json');
    expect(again).toMatchObject({
      code: 0,
      err: expect.stringContaining('resuming the interrupted probe in interrupted'),
    });
    const result = JSON.parse(uninterrupted.out);
    expect(JSON.parse(again.out)).toEqual({ ...result, checkpoint: result.checkpoint.replace('un', '') });
    expect(await rows()).toEqual(await readRows(join(folder, 'uninterrupted', 'metrics.jsonl')));
    expect(await readRows(join(folder, 'interrupted', 'sittings.jsonl'))).toHaveLength(2);
  });

  it.each([
    ['linprobe', 'linprobe needs a model, or --resume FOLDER, got neither'],
    ['linprobe run --resume x', '--resume names the folder, which names the model, got run too'],
    ['linprobe run --rates 0', 'learningRates[0] must be a number above 0, got 0'],
    ['linprobe run --optimizer adam', 'optimizer must be one of lars, sgd, got "adam"'],
    ['linprobe run --tensorboard', '--tensorboard writes into the folder of --output, got no --output'],
    ['linprobe run --set warmup=1', 'unknown setting "warmup"'],
    ['embed test --from run', "required option '--output <file>' not specified"],
    ['predict test', "required option '--from <model>' not specified"],
    ['predict test --from run --top 0', '--top must be a whole number of at least 1, got "0"'],
    ['knn run --pooling max', '--tokens must be mean, class or patch, got "max"'],
    ['linprobe run --tokens patch', '--tokens must be mean or class here, got "patch"'],
    ['knn run --held-out 1', '--held-out must lie in (0, 1), got "1"'],
  ])('%s: one message, exit code 2', async (line, message) => {
    const { code, err } = await here(...line.split(' '));
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n\s+at /);
    expect(code).toBe(2);
  });

  it.each([
    ['linprobe --resume run', 'run must hold a run of linprobe, got one of pretrain'],
    ['linprobe --resume one', 'one is not a run (no config.json)'],
    ['linprobe nowhere', 'nowhere: no such file or folder'],
    ['linprobe run --data test', 'images with classes are needed, got test without'],
    ['linprobe run --output images', 'or that of the very same probe, got images with'],
    ['embed nowhere --from run --output a.npy', "the data folder must exist, got 'nowhere'"],
    ['embed test --from run --output a.csv', 'the output must be a .npy or .parquet file, got a.csv'],
    ['predict test --from run', 'run has no classifier; train one'],
    ['predict nowhere.png other.png --from run', "no such file or folder: 'nowhere.png', 'other.png'"],
    ['knn run --data images', 'images with classes are needed, got images without'],
    ['knn run --data classes:one', 'kNN needs two classes or more, got "class0" alone: add'],
    ['linprobe run --data classes:one', 'a probe needs two classes or more, got "class0" alone: add'],
    [
      'linprobe run --data classes:three',
      'choosing a learning rate needs at least 4 images, got 3: give more images',
    ],
    ['pretrain --data single --set data.heldOut=0.1', 'images can be held out of two or more, got 1 in '],
  ])('%s: one message, exit code 1', async (line, message) => {
    const { code, err } = await here(...line.split(' '));
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n\s+at /);
    expect(code).toBe(1);
  });
});
