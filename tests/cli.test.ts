import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../src/io/safetensors.ts';
import { commandHere } from './support/command-here.ts';
import { commandLine, type Finished, outcome, signalAt } from './support/command-line.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinyOptions } from './support/tiny-run.ts';

const folder = temporaryFolder();
beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 27);
});

const { start, run } = commandLine(folder);
const here = commandHere(folder);

/** Arguments for a model that trains in no time. */
const tiny = [
  ...['--data', 'classes:images', '--batch-size', '4', '--seed', '3', '--save-every', '2'],
  ...tinyOptions(
    'task.maskRatio=0.5',
    'training.warmupEpochs=0.5',
    'data.heldOut=0.25',
    'evaluation.reconstructions=1',
    'engine.threads=1',
  ),
];

describe('usage', () => {
  const commands = [
    'pretrain',
    'finetune',
    'reconstruct',
    'preview',
    'knn',
    'linprobe',
    'embed',
    'predict',
    'report',
    'study',
    'export',
    'inspect',
    'data',
    'cache',
    'list',
  ];

  it('has help with examples for every command', async () => {
    const helps = [await run('--help')];
    for (const name of commands) helps.push(await here(name, '--help'));
    for (const { code, out } of helps) {
      expect(code).toBe(0);
      expect(out).toContain('Examples:\n  $ npx beyond-masking ');
    }
    for (const name of commands) expect(helps[0]!.out).toContain(`\n  ${name} `);
  });

  it.each([
    ['pretrian', "unknown command 'pretrian'\n(Did you mean pretrain?)"],
    ['pretrain --recpie x', "unknown option '--recpie'\n(Did you mean --recipe?)"],
    [
      'pretrain --recipe cifar10-micro-maskd',
      'unknown recipe "cifar10-micro-maskd" (did you mean "cifar10-micro-masked"?)',
    ],
    ['pretrain --quick', '--quick needs a recipe'],
    ['bench --backend onx', 'engine.name must be one of auto, onnx,'],
    ['bench --engine onx', 'engine.name must be one of auto, onnx,'],
    ['pretrain --quick --recipe imagenet-base-masked', 'the recipe must have a quick variant'],
    [
      'pretrain --epochs many --data images',
      'training.epochs must be a whole number of at least 1, got "many"',
    ],
    ['pretrain --set training.epoch=3', 'unknown setting "training.epoch" (did you mean "training.epochs"?)'],
    ['pretrain --set task.name=maskd', 'got "maskd" (did you mean "masked"?)'],
    ['pretrain --set epochs', 'a setting must be written key.path=value, got "epochs"'],
    [
      'pretrain --backend onx --data images',
      'engine.name must be one of auto, onnx, onednn, xla, wasm, reference, got "onx" (did you mean "onnx"?)',
    ],
    ['list recipe', 'did you mean "recipes"?'],
    ['preview images --count 0', '--count must be a whole number of at least 1, got "0"'],
    ['data fetsh', "unknown command 'fetsh'\n(Did you mean fetch?)"],
    ['inspect', "missing required argument 'model'"],
  ])('%s: one message, exit code 2', async (line, message) => {
    const { code, out, err } = await here(...line.split(' '));
    expect(err).toContain(message);
    expect(err).toMatch(/^error: /);
    expect(err).not.toMatch(/\n\s+at /);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  it.each([
    ['pretrain', 'a run needs images, got none'],
    ['pretrain --data nowhere', `the data folder must exist, got '${join(folder, 'nowhere')}'`],
    ['pretrain --resume nowhere', 'nowhere: no such file or folder'],
    ['inspect nowhere', 'nowhere: no such file or folder'],
    ['inspect images', 'images holds no checkpoint'],
    ['inspect images/class0/000.png', 'images/class0/000.png: '],
    ['knn images/class0/000.png', 'images/class0/000.png: '],
    ['data count nowhere', 'must exist'],
    ['preview nowhere.png', 'nowhere.png'],
    ['preview images --tasks maskd', 'a task must be one of'],
  ])('%s: one message, exit code 1', async (line, message) => {
    const { code, err } = await here(...line.split(' '));
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n\s+at /);
    expect(code).toBe(1);
  });

  it('a command of its own says and ends with the same', async () => {
    for (const line of ['pretrain --recpie x', 'pretrain --epochs many --data images', 'data count nowhere'])
      expect(await run(...line.split(' '))).toEqual(await here(...line.split(' ')));
  });

  it('names packs among the sources of images', async () => {
    for (const name of ['pretrain', 'finetune', 'knn', 'linprobe', 'embed'])
      expect((await here(name, '--help')).out).toContain('packed:FOLDER');
    expect((await here('list', 'settings', '--json')).out).toContain('see `list sources`');
    expect((await here('list', 'sources', '--json')).out).toContain('packed:FOLDER');
  });

  it('lists what there is', async () => {
    const [all, settings, json] = await Promise.all([
      run('list'),
      run('list', 'settings'),
      run('list', 'recipes', '--filter', 'imagenet-base', '--json'),
    ]);
    for (const title of ['TASKS', 'MODELS', 'RECIPES']) expect(all.out).toContain(title);
    expect(all.out).toMatch(/^WHERE TO BEGIN\nnpx beyond-masking preview\n/);
    expect(all.out).toMatch(/--quick\n {2}2 epochs of CIFAR-10 .*: about [\d,]+ (min|h) here\n/);
    // Sizes across, tasks down: every task has a time for each of the six sizes.
    const time = '(<1 min|[\\d,]+ (min|h|d|y))';
    for (const task of ['masked', 'masked+super-resolution', 'finetune'])
      expect(all.out).toMatch(new RegExp(`^${task.replace('+', '\\+')}( +${time}){6}$`, 'm'));
    expect(all.out).not.toContain('FLOP =');
    const lines = all.out.trimEnd().split('\n');
    expect(lines.length).toBeLessThan(60);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(110);
    const one = await run('list', 'recipes', '--filter', 'imagenet-base');
    expect(one.out.match(/^imagenet-base-masked-zoomed-in +fine-tuned top-1 83\.2 % +\d/gm)).toHaveLength(1);
    expect(settings.out).toMatch(/training\.epochs +300 /);
    const { recipes } = JSON.parse(json.out) as {
      recipes: { name: string; expected: string; flops: number }[];
    };
    expect(recipes.find(({ name }) => name === 'imagenet-base-masked-zoomed-in')!.expected).toContain('83.2');
    expect(recipes[0]!.flops).toBeGreaterThan(1e18);
  });

  it('measures how fast it trains here', async () => {
    const { out, code } = await run('list', 'recipes', '--measure', '--backend', 'onnx');
    expect(code).toBe(0);
    expect(out).toMatch(/\nmeasured: [\d.e+]+ GFLOP\/s in steps of the micro model, onnxruntime /);
  });
});

describe('a run', () => {
  it('trains, and its checkpoint serves the other commands', async () => {
    const trained = await run('pretrain', ...tiny, '--epochs', '2', '--output', 'plain');
    expect(trained.err).toMatch(/epoch 0\.20\/2 {2}step 1\/10 {2}loss \d\.\d+ {2}[\d.]+ img\/s {2}.* left/);
    expect(trained.out).toContain('finished, at step 10: plain');
    expect(trained.code).toBe(0);

    const again = await run('pretrain', ...tiny, '--epochs', '2', '--output', 'plain');
    expect(again).toMatchObject({ code: 1, out: '' });
    expect(again.err).toMatch(/--resume, or choose another folder with --output/);

    const [inspected, knn, drawn, foreign] = await Promise.all([
      run('inspect', 'plain', '--tensors'),
      run('knn', 'plain', '--train-images', '10', '--json'),
      run('reconstruct', 'plain', '--output', 'drawn.png', '--count', '3'),
      run('reconstruct', 'plain', join('images', 'class0', '000.png'), '--output', 'one.png'),
    ]);
    expect(inspected.out).toMatch(
      /step 10, 2 complete epochs of 2[\s\S]*encoder[\s\S]*decoder[\s\S]*optimizer/,
    );
    expect(inspected.out).toContain('m:patch_embed.proj.weight');
    expect(JSON.parse(knn.out)).toMatchObject({ train: 10, test: 7, pixels: { knn10: expect.any(Number) } });
    expect(drawn).toMatchObject({ code: 0, out: 'drawn.png\n' });
    expect(foreign.code).toBe(0);
    const [many, one] = await Promise.all(
      ['drawn.png', 'one.png'].map((name) => sharp(join(folder, name)).metadata()),
    );
    expect(many!.height).toBeGreaterThan(1.8 * one!.height! - 100);

    // Without its decoder, it reconstructs nothing but still has features.
    const [newest] = (await readdir(join(folder, 'plain', 'checkpoints'))).sort().reverse();
    const { metadata, tensors } = await readSafetensors(join(folder, 'plain', 'checkpoints', newest!));
    for (const name of tensors.keys()) if (/^(decoder|mask_token)/.test(name)) tensors.delete(name);
    await writeSafetensors(join(folder, 'encoder.safetensors'), tensors, metadata);
    const refused = await run('reconstruct', 'encoder.safetensors');
    expect(refused.err).toContain('reconstruction needs a decoder');
    expect(refused.code).toBe(1);
    expect((await run('knn', 'encoder.safetensors')).code).toBe(0);

    const from = await run(
      'pretrain',
      ...tiny,
      '--epochs',
      '1',
      '--output',
      'from',
      '--init-from',
      'encoder.safetensors',
    );
    expect(from.out).toMatch(
      /\d+ weights loaded from encoder\.safetensors \(beyond-masking\)\nnot in the file, random: decoder_embed/,
    );
    expect(from.code).toBe(0);
  });

  it('tells everything as JSON', async () => {
    const { code, out, err } = await run('pretrain', ...tiny, '--epochs', '1', '--output', 'json', '--json');
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    // Notes may come first: of an engine that is missing, say.
    const [first] = events.filter(({ type }) => type !== 'note');
    expect(first).toMatchObject({ type: 'start', folder: 'json', lastStep: 5 });
    expect(events.filter(({ type }) => type === 'step')).toHaveLength(5);
    expect(events.at(-1)).toMatchObject({ type: 'end', outcome: 'finished', step: 5 });
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  it('that is killed at any moment goes on to the same end', async () => {
    const args = ['pretrain', ...tiny, '--epochs', '8', '--json'];
    await run(...args, '--output', 'whole');
    await start([...args, '--output', 'killed'], signalAt('SIGKILL', 13));
    await start([...args, '--output', 'killed', '--resume'], signalAt('SIGKILL', 21));
    await start([...args, '--output', 'killed', '--resume'], signalAt('SIGINT', 27));
    const last = await run('pretrain', '--resume', 'killed');
    expect(last.out).toMatch(/resuming after step \d+[\s\S]*finished, at step 40/);
    const ends = await Promise.all(['whole', 'killed'].map((name) => outcome(join(folder, name))));
    expect(ends[1]).toEqual(ends[0]);
  });

  it('is stopped by Ctrl-C with a checkpoint, and says how to go on', async () => {
    let signalled = false;
    const { code, out, err } = await start(
      ['pretrain', ...tiny, '--epochs', '2000', '--output', 'stopped', '--set', 'checkpoints.every=0'],
      (line, child) => {
        if (!line.startsWith('run ') || signalled) return;
        signalled = true;
        setTimeout(() => child.kill('SIGINT'), 500);
      },
    );
    expect(err).toContain('press Ctrl-C again to stop at once');
    expect(out).toMatch(
      /Stopped after step \d+ of 10000\. Resume with:\n {2}npx beyond-masking pretrain --resume stopped/,
    );
    expect(code).toBe(130);
    expect((await readdir(join(folder, 'stopped', 'checkpoints'))).length).toBeGreaterThan(0);
    const changed = await run('pretrain', '--resume', 'stopped', '--seed', '4');
    expect(changed.err).toContain('a run must keep its settings, got seed 3 → 4');
  });

  it('keeps other processes out of its folder', async () => {
    const args = ['pretrain', ...tiny, '--epochs', '2000', '--output', 'kept', '--resume'];
    let second: Promise<Finished> | undefined;
    const first = await start(args, (line, child) => {
      if (!line.startsWith('run ') || second) return;
      second = run(...args).finally(() => child.kill('SIGTERM'));
    });
    const { code, err } = await second!;
    expect(err).toMatch(
      /^error: one process at a time may train into a folder, got kept, into which process \d+/,
    );
    expect(code).toBe(1);
    expect(first.code).toBe(130);
    expect(await readdir(join(folder, 'kept'))).not.toContain('.lock');
  });

  it('is saved and ends when nobody reads what it says any more', async () => {
    const args = ['pretrain', ...tiny, '--epochs', '2000', '--output', 'unread', '--json'];
    const { code, err } = await start(args, (_, child) => child.stdout!.destroy());
    expect(err).toBe('stopping after this step and saving; press Ctrl-C again to stop at once\n');
    expect(code).toBe(130);
    expect(await readdir(join(folder, 'unread'))).toContain('curves.svg');
  });

  it('that is finished says so, and what to do', async () => {
    await run('pretrain', ...tiny, '--epochs', '1', '--output', 'done');
    const { code, out } = await run('pretrain', ...tiny, '--epochs', '1', '--output', 'done', '--resume');
    expect(out).toMatch(/this run was finished already, at step 5: done[\s\S]*--resume done --epochs 5/);
    expect(code).toBe(0);
  });
});

it('preview draws a column for each task', async () => {
  const draw = (output: string, tasks: string) =>
    run(
      'preview',
      'images',
      '--size',
      '16',
      '--patch',
      '4',
      '--count',
      '2',
      '--tasks',
      tasks,
      '--output',
      output,
    );
  const [one, three] = await Promise.all([
    draw('p1.png', 'masked'),
    draw('p3.png', 'zoomed-out,blurred,masked+zoomed-in'),
  ]);
  expect([one.code, three.code]).toEqual([0, 0]);
  const [narrow, wide] = await Promise.all(
    ['p1.png', 'p3.png'].map((name) => sharp(join(folder, name)).metadata()),
  );
  expect(wide!.width).toBeGreaterThan(narrow!.width! + 150);
});

it.each(['100', '64'])('preview cuts images of %s pixels in whole patches', async (size) => {
  const args = ['--size', size, '--count', '1', '--tasks', 'masked', '--output', `p${size}.png`];
  expect(await run('preview', 'images', ...args)).toMatchObject({ code: 0, out: `p${size}.png\n` });
});

it('data counts and verifies folders', async () => {
  const counted = await run('data', 'count', 'classes:images', '--json');
  expect(JSON.parse(counted.out)).toEqual({ images: 27, classes: { class0: 14, class1: 13 } });
  expect((await run('data', 'verify', 'images')).out).toBe('27 images, 0 of them broken\n');
  await mkdir(join(folder, 'bad'));
  await writeFile(join(folder, 'bad', 'x.png'), 'no image');
  const verified = await run('data', 'verify', 'bad');
  expect(verified.out).toMatch(/^broken: x\.png: .*\n1 image, 1 of them broken\n$/);
  expect(verified.code).toBe(1);
});
