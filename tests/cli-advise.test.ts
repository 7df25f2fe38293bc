import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { rng } from '../src/random/rng.ts';
import { commandHere } from './support/command-here.ts';
import { commandLine } from './support/command-line.ts';
import { randomCheckpoint } from './support/random-checkpoint.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages } from './support/tiny-run.ts';

const folder = temporaryFolder();
const here = commandHere(folder);
const { run } = commandLine(folder);
const configOf = async (output: string) =>
  JSON.parse(await readFile(join(folder, output, 'config.json'), 'utf8'));
/** Settings of a model small enough for tests, where the advice is not about sizes. */
const quick = ['--max-steps', '2', '--set', 'engine.threads=1', '--set', 'engine.name=onnx'];

beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 24);
  await writeFile(join(folder, 'images/class0/cut.png'), 'no image');
  for (let i = 0; i < 12; i++) {
    const noise = Uint8Array.from({ length: 400 }, (_, k) => rng(i, k).int(256));
    await sharp(noise, { raw: { width: 20, height: 20, channels: 1 } })
      .png()
      .toFile(join(folder, `grey-${i}.png`));
  }
  await randomCheckpoint(join(folder, 'weights.safetensors'), rng(7), {
    data: { mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] },
    model: {
      image: [8, 8],
      patch: 4,
      width: 8,
      depth: 1,
      heads: 2,
      decoder: { width: 8, depth: 1, heads: 2 },
    },
    task: { name: 'masked', maskRatio: 0.5 },
  });
});

describe('advise', () => {
  it('prints what the images are like, settings with reasons and sources, costs and the command', async () => {
    const { code, out } = await here('advise', 'classes:images', '--budget', '20m', '--engine', 'onnx');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^images {6}25, 2 classes\nsizes {7}shorter side 10, longer side 12 pixels\nchannels {4}3\n/,
    );
    expect(out).toMatch(/\nbroken {6}class0\/cut\.png: /);
    expect(out).toMatch(/\nmodel\.image=12,12\n {4}.+ \(measured here\)\n/);
    expect(out).toMatch(
      /\ncost: [\d,]+ updates, about .*min, [\d.]+ GB of \d+ \(measured: .+ in steps of this model, /,
    );
    expect(out).toMatch(/\nnote: 24 images are few to learn from/);
    expect(out).toMatch(
      /\n\nnpx beyond-masking pretrain --data classes:images --budget 20m --engine onnx\n$/,
    );
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });

  it('as JSON, with fixed settings and weights', async () => {
    const { code, out } = await here(
      ...['advise', 'images', '--json', '--engine', 'onnx', '--sample', '10'],
      ...['--init-from', 'weights.safetensors', '--set', 'training.epochs=3'],
    );
    expect(code).toBe(0);
    const found = JSON.parse(out);
    expect(found.survey).toMatchObject({ images: 25, channels: 3 });
    expect(found.settings).toMatchObject({
      model: { image: [8, 8], width: 8, decoder: { depth: 1 } },
      data: { mean: [0.1, 0.2, 0.3] },
      task: { name: 'masked', maskRatio: 0.5 },
    });
    expect(found.settings.training).not.toHaveProperty('epochs');
    expect(found.notes.join()).toContain('too few updates to learn');
  });

  it.each([
    ['advise images --budget soon', '--budget must be a time such as 20m, 1h30m or 90s, got "soon"', 2],
    ['advise images --set training.epochs=0', 'training.epochs', 2],
    ['advise images --sample 0', '--sample must be a whole number of at least 1', 2],
    ['advise nowhere', 'the data folder must exist', 1],
    ['advise images --init-from nowhere', 'nowhere: no such file or folder', 1],
    [
      'pretrain --data images --recipe cifar10-micro-masked --budget 1h',
      '--budget chooses settings for a new run',
      2,
    ],
    [
      'advise images --init-from weights.safetensors --set model.width=16',
      'must have their width, got model.width=16 and weights.safetensors of width 8: leave out model.width, or',
      2,
    ],
    ['pretrain --data images --epochs many', 'training.epochs', 2],
  ])('%s: one message', async (line, message, status) => {
    const { code, err } = await here(...line.split(' '));
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n\s+at /);
    expect(code).toBe(status);
  });
});

describe('pretrain without a recipe', () => {
  it('takes the advice, prints why, records it, and resumes without looking again', async () => {
    const { code, out } = await run(
      'pretrain',
      '--data',
      'classes:images',
      '--output',
      'advised',
      '--budget',
      '10m',
      ...quick,
    );
    expect(out).toMatch(/^settings that suit classes:images .*\n/);
    expect(out).toMatch(/\nmodel\.patch=\d+\n {4}pixels of a view are correlated over/);
    expect(code).toBe(0);
    const config = await configOf('advised');
    expect(config).toMatchObject({
      model: { image: [12, 12], width: 128, channels: 3 },
      data: { evaluationCrop: 1 },
    });
    expect(config.data.mean).not.toEqual([0.485, 0.456, 0.406]);
    expect(config.evaluation.knnEvery).toBe(config.training.epochs);
    const resumed = await run('pretrain', '--resume', 'advised', '--max-steps', '3');
    expect([resumed.code, resumed.out.includes('settings that suit')]).toEqual([0, false]);
    expect((await configOf('advised')).model).toEqual(config.model);
    const again = await run('pretrain', '--data', 'classes:images', '--output', 'advised', ...quick);
    expect([again.code, again.out]).toEqual([1, '']);
    expect(again.err).toContain('a new run needs a new or empty folder');
  });

  it('given settings win; grey images make a grey model, from end to end', async () => {
    await here('data', 'count', '.'); // the folder of grey images and others
    const given = ['--set', 'task.name=masked', '--set', 'data.mean=[0.25]', '--batch-size', '4', '--json'];
    await sharp(join(folder, 'grey-0.png')).toFile(join(folder, 'query.png'));
    const only = join(folder, 'grey');
    const { mkdir, rename } = await import('node:fs/promises');
    await mkdir(only);
    for (let i = 0; i < 12; i++) await rename(join(folder, `grey-${i}.png`), join(only, `${i}.png`));
    const { code, out } = await run('pretrain', '--data', 'grey', '--output', 'greyrun', ...given, ...quick);
    expect(code).toBe(0);
    expect(JSON.parse(out.split('\n')[0]!)).toMatchObject({ type: 'advice', survey: { channels: 1 } });
    const config = await configOf('greyrun');
    expect(config).toMatchObject({
      model: { channels: 1 },
      task: { name: 'masked' },
      data: { mean: [0.25] },
      training: { batchSize: 4 },
    });
    expect(config.data.std).toHaveLength(1);
    for (const args of [
      ['reconstruct', 'greyrun', '--output', 'r.png'],
      ['components', 'greyrun', 'query.png'],
      ['attention', 'greyrun', 'query.png', '--each-head'],
      ['neighbours', 'query.png', '--among', 'grey', '--from', 'greyrun', '-k', '2'],
    ])
      expect([args[0], (await run(...args)).code]).toEqual([args[0], 0]);
  });

  it.each([[['width=100', 'target=none']], [['width=8', 'depth=1', 'heads=2', 'patch=5']]])(
    'the command that advise prints trains the proposal: model.%s',
    async (sizes) => {
      const given = sizes.flatMap((size) => ['--set', `model.${size}`]);
      const fixed = [...given, '--set', 'training.maxSteps=1', '--set', 'engine.threads=1'];
      const advised = ['advise', 'images', '--engine', 'onnx', ...fixed];
      const { model, task, data } = JSON.parse((await here(...advised, '--json')).out).settings;
      const [, command] = (await here(...advised)).out.trimEnd().split('\nnpx beyond-masking ');
      const output = `proposed-${sizes}`;
      const { code } = await run(...command!.split(' '), '--output', output);
      expect(code).toBe(0);
      const config = await configOf(output);
      expect(config).toMatchObject({ model, task, data });
      expect(config.model).toMatchObject({ width: Number(sizes[0]!.split('=')[1]) });
    },
  );

  it('settings of the model that leave its size open leave the advice in place, without a budget too', async () => {
    const given = ['--set', 'model.target=none', '--output', 'open', ...quick];
    const { code, out } = await run('pretrain', '--data', 'images', ...given);
    expect([code, out.includes('settings that suit')]).toEqual([0, true]);
    expect((await configOf('open')).model).toMatchObject({ target: 'none', width: 128, image: [12, 12] });
  });

  it('a model that is spelled out, or the recipe custom, leaves the advice out', async () => {
    const sizes = [
      'image=8,8',
      'width=8',
      'depth=1',
      'heads=2',
      'patch=4',
      'decoder.width=8',
      'decoder.depth=1',
      'decoder.heads=2',
    ];
    const model = sizes.flatMap((size) => ['--set', `model.${size}`]);
    const { code, out } = await run('pretrain', '--data', 'images', '--output', 'plain', ...model, ...quick);
    expect([code, out.includes('settings that suit')]).toEqual([0, false]);
    expect((await configOf('plain')).data.mean).toEqual([0.485, 0.456, 0.406]);
    const custom = await here(
      'pretrain',
      '--data',
      'images',
      '--recipe',
      'custom',
      '--set',
      'model.width=7',
      '--output',
      'x',
    );
    expect(custom.err).toContain('model.width must be a multiple of model.heads');
  });

  it('continues from weights with their sizes', async () => {
    const { code, out } = await run(
      'pretrain',
      '--data',
      'images',
      '--init-from',
      'weights.safetensors',
      '--output',
      'from',
      ...quick,
    );
    expect(code).toBe(0);
    expect(out).toMatch(/\d+ weights loaded from weights\.safetensors/);
    expect(out).not.toContain('random:');
    expect(await configOf('from')).toMatchObject({
      from: 'weights.safetensors',
      model: { width: 8 },
      data: { mean: [0.1, 0.2, 0.3] },
    });
  });

  it.each([
    ['mae.pth', ['--set', 'model.heads=3', '--set', 'model.decoder.heads=2']], // its sizes are unusual
    ['hf-mae', []],
  ] as const)(
    'continues from weights of MAE: %s',
    async (name, heads) => {
      const file = fileURLToPath(new URL(`./fixtures/weights/${name}`, import.meta.url));
      const output = `from-${name}`;
      const ratio = ['--set', 'task.maskRatio=0.5']; // the rest is the file's
      const { code, out } = await run(
        ...[
          'pretrain',
          '--data',
          'images',
          '--init-from',
          file,
          '--output',
          output,
          ...heads,
          ...ratio,
          ...quick,
        ],
      );
      expect(code).toBe(0);
      expect(out).toMatch(/\d+ weights loaded from/);
      expect(out).not.toMatch(/random:|other setting|other shape/);
      expect(await configOf(output)).toMatchObject({
        model: {
          image: [32, 32],
          patch: 8,
          classToken: true,
          target: 'patch',
          decoder: { width: 16, depth: 1 },
        },
        task: { name: 'masked', maskRatio: 0.5 },
      });
    },
    60_000,
  );
});
