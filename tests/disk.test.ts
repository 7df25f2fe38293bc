import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { rng } from '../src/random/rng.ts';
import { commandLine } from './support/command-line.ts';
import { readNpy } from './support/npy.ts';
import { randomCheckpoint, randomClassifier } from './support/random-checkpoint.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyFinetuneSettings, tinyImages, tinySettings } from './support/tiny-run.ts';

const folder = temporaryFolder();
const { launch, run } = commandLine(folder);

const tiny = [
  'pretrain',
  '--data',
  'classes:images',
  '--batch-size',
  '4',
  '--backend',
  'reference',
  '--epochs',
  '2',
];
const sizes = [
  'image=[8,8]',
  'patch=4',
  'width=8',
  'depth=1',
  'heads=2',
  'decoder.width=8',
  'decoder.depth=1',
];
const settings = [...sizes, 'decoder.heads=2'].map((key) => `model.${key}`);
const pretraining = [
  ...tiny,
  ...['training.warmupEpochs=0.5', 'data.heldOut=0.25', ...settings].flatMap((key) => ['--set', key]),
];
const embed = ['embed', '--from', 'model.safetensors', '--backend', 'reference'];

beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 27);
  await tinyImages(join(folder, 'many'), 300);
  await randomCheckpoint(join(folder, 'model.safetensors'), rng(1), tinySettings('classes:images'));
  const classes = ['class0', 'class1'];
  await randomClassifier(
    join(folder, 'head.safetensors'),
    rng(2),
    tinyFinetuneSettings('classes:images'),
    classes,
  );
});

/** Rows of a .npy file and of the names beside it. */
async function rowsOf(name: string): Promise<[array: number, names: number]> {
  const names = (await readFile(join(folder, `${name}.images.jsonl`), 'utf8')).trim().split('\n');
  return [readNpy(join(folder, `${name}.npy`)).shape[0]!, names.length];
}

describe.skipIf(process.platform === 'win32')('a file that may not grow', () => {
  /** With files of at most so many blocks of 1024 bytes. */
  const limited = (blocks: number, args: readonly string[], env?: NodeJS.ProcessEnv) =>
    launch(args, { shell: `ulimit -f ${blocks}; exec "$@"`, ...(env && { env }) }).finished;
  const grown = 'the file is larger than the system allows';

  it('leaves array and names of embed as they were', async () => {
    expect(await run(...embed, 'images', '--output', 'a.npy')).toMatchObject({
      code: 0,
      err: expect.anything(),
    });
    expect(await rowsOf('a')).toEqual([27, 27]);
    // The names of 300 images take more than 8 kB, their features more still; each limit stops another of the two.
    for (const blocks of [4, 9]) {
      const { code, err } = await limited(blocks, [...embed, 'many', '--output', 'a.npy', '--no-cache']);
      expect(err).toMatch(
        /^error: the file is larger than the system allows: a\.(npy|images\.jsonl): raise the limit/m,
      );
      expect(err).not.toMatch(/^ +at /m);
      expect(code).toBe(1);
      expect(await rowsOf('a')).toEqual([27, 27]);
    }
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect((await run(...embed, 'many', '--output', 'a.npy')).code).toBe(0);
    expect(await rowsOf('a')).toEqual([300, 300]);
  });

  it('costs embed no more than what the cache would have kept', async () => {
    const env = { BEYOND_MASKING_CACHE: join(folder, 'small') };
    const { code, err } = await limited(10, [...embed, 'many', '--output', 'b.npy'], env);
    const notes = err.split('\n').filter((line) => line.startsWith('features are not cached'));
    expect(notes).toEqual([expect.stringContaining(`${grown}: ${join(folder, 'small')}`)]);
    expect(code).toBe(0);
    expect(await rowsOf('b')).toEqual([300, 300]);
  });

  it.each([
    ['pretrain', 8, [...pretraining, '--output', 'run'], 'run/checkpoints/step-'],
    ['export', 2, ['export', 'model.safetensors', '--format', 'timm', '--output', 'out'], 'out'],
    [
      'predict',
      1,
      ['predict', 'images', '--from', 'head.safetensors', '--backend', 'reference', '--output', 'p.jsonl'],
      'p.jsonl',
    ],
    ['preview', 8, ['preview', 'images', '--output', 'preview.png'], 'preview.png'],
    ['data pack', 8, ['data', 'pack', 'classes:many', '--output', 'pack'], 'pack/'],
  ])('is named by %s, with what helps', async (_, blocks, args, path) => {
    const { code, err } = await limited(blocks, args);
    expect(err).toContain(`error: ${grown}: ${path}`);
    expect(err).toContain(': raise the limit (`ulimit -f`), or choose another disk');
    expect(err).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('leaves a run that goes on where there is room again', async () => {
    const output = ['--output', 'room', '--resume'];
    const { err } = await limited(8, [...pretraining, ...output]);
    expect(err).toMatch(/raise the limit.*; there is no checkpoint yet\n$/);
    const { code, out } = await run(...pretraining, ...output);
    expect(out).toContain('the run stopped without saving at step');
    expect(code).toBe(0);
  });
});

it.runIf(existsSync('/dev/full'))('a full disk is named, with what helps', async () => {
  const predict = ['predict', 'images', '--from', 'head.safetensors', '--backend', 'reference'];
  const { code, err } = await run(...predict, '--output', '/dev/full');
  expect(err).toContain(
    'error: the disk is full: /dev/full: free some space, or choose a folder on another disk\n',
  );
  expect(code).toBe(1);
});

describe.runIf(existsSync('/proc/self'))('a cache that cannot be written', () => {
  it.each(['/proc/none', '/dev/null', 'a-file'])(
    'is done without, and one line says so: %s',
    async (cache) => {
      await writeFile(join(folder, 'a-file'), '');
      const whole = await run(...embed, 'images', '--output', 'whole.npy', '--no-cache');
      expect(whole.code).toBe(0);
      const env = { BEYOND_MASKING_CACHE: cache };
      const { code, err } = await launch([...embed, 'images', '--output', 'c.npy'], { env }).finished;
      expect(err.split('\n').filter((line) => /kept|exist|folder/.test(line))).toEqual([
        expect.stringMatching(
          /^features are not cached on disk, set BEYOND_MASKING_CACHE to another folder: /,
        ),
      ]);
      expect(code).toBe(0);
      for (const type of ['npy', 'images.jsonl'])
        expect(await readFile(join(folder, `c.${type}`))).toEqual(
          await readFile(join(folder, `whole.${type}`)),
        );
      const knn = await launch(['knn', 'model.safetensors', '--backend', 'reference'], { env }).finished;
      expect(knn.err.match(/features are not cached/g)).toHaveLength(1);
      expect(knn.code).toBe(0);
      const pretrained = await launch([...pretraining, '--output', `without-${cache.replaceAll('/', '-')}`], {
        env,
      }).finished;
      expect(pretrained).toMatchObject({ code: 0, err: expect.not.stringContaining('error') });
    },
  );
});

it('commands at once on one cache, in which other files lie, give what each alone gives', async () => {
  const alone = await run(...embed, 'many', '--output', 'alone.npy', '--no-cache');
  expect(alone.code).toBe(0);
  const cache = join(folder, 'shared');
  await mkdir(join(cache, 'features'), { recursive: true });
  await writeFile(join(cache, 'features', '.DS_Store'), 'stray');
  await writeFile(join(cache, 'features', 'Thumbs.db'), 'stray');
  await writeFile(join(cache, '.DS_Store'), 'stray');
  const env = { BEYOND_MASKING_CACHE: cache };
  const outputs = ['one', 'two', 'three'];
  const ends = await Promise.all([
    ...outputs.map((name) => launch([...embed, 'many', '--output', `${name}.npy`], { env }).finished),
    launch(['knn', 'model.safetensors', '--backend', 'reference', '--data', 'classes:many', '--json'], {
      env,
    }).finished,
    launch(['cache', '--json'], { env }).finished,
  ]);
  expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  for (const name of outputs)
    for (const type of ['npy', 'images.jsonl'])
      expect(await readFile(join(folder, `${name}.${type}`))).toEqual(
        await readFile(join(folder, `alone.${type}`)),
      );
  const [key] = (await readdir(join(cache, 'features'))).filter((name) => /^[0-9a-f]{32}$/.test(name));
  await writeFile(join(cache, 'features', key!, '.DS_Store'), 'stray');
  const listed = await launch(['cache', '--json'], { env }).finished;
  expect(listed.code).toBe(0);
  const { features } = JSON.parse(listed.out) as { features: { parts: number }[] };
  expect(features.every(({ parts }) => parts === 1)).toBe(true);
  expect((await launch(['cache', '--clear'], { env }).finished).code).toBe(0);
});
