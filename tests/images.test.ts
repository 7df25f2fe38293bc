import { execFileSync } from 'node:child_process';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { pretrain } from '../src/pretrain.ts';
import { rng } from '../src/random/rng.ts';
import { commandHere } from './support/command-here.ts';
import { commandLine } from './support/command-line.ts';
import { readNpy } from './support/npy.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinySettings } from './support/tiny-run.ts';

const folder = temporaryFolder();
const { run } = commandLine(folder);
const here = commandHere(folder);
const fixture = (name: string) => fileURLToPath(new URL(`fixtures/images/${name}`, import.meta.url));
const unit = (channels: number) => ({
  mean: Array<number>(channels).fill(0.5),
  std: Array<number>(channels).fill(0.25),
});

/** Folders of pictures of each kind, in two classes: PNGs of grey or colour with alpha, and 12 bands by tifffile. */
const kinds = { 2: 'grey-alpha', 4: 'colour-alpha', 12: 'bands' } as const;

beforeAll(async () => {
  const draws = rng(11, 'pictures');
  for (const label of ['one', 'two'])
    for (let i = 0; i < 6; i++) {
      for (const channels of [2, 4] as const) {
        const path = join(folder, kinds[channels], label);
        await mkdir(path, { recursive: true });
        const data = Uint8Array.from({ length: 8 * 8 * channels }, () => draws.int(256));
        const raw = { width: 8, height: 8, channels };
        const image = channels === 2 ? sharp(data, { raw }).toColourspace('b-w') : sharp(data, { raw });
        await image.png().toFile(join(path, `${i}.png`));
      }
      await mkdir(join(folder, kinds[12], label), { recursive: true });
      await cp(fixture('bands-12-planes.tif'), join(folder, kinds[12], label, `${i}.tif`));
    }
  await tinyImages(join(folder, 'colour'), 12);
});

describe.each([2, 4, 12] as const)('a model of %i channels', (channels) => {
  const images = kinds[channels];
  const model = `run-${channels}`;

  beforeAll(async () => {
    const source = `classes:${join(folder, images)}`;
    const more = {
      data: { ...unit(channels), heldOut: 0.25 },
      model: { channels },
      training: { epochs: 1 },
      evaluation: { reconstructions: 2 },
    };
    const { outcome } = await pretrain(tinySettings(source, more), { output: join(folder, model) });
    expect(outcome).toBe('finished');
  });

  it('is judged, and serves embed and predict', async () => {
    const embedded = await run('embed', images, '--from', model, '--output', `${images}.npy`);
    expect(embedded).toMatchObject({ code: 0, out: expect.stringContaining('12 images, 8 numbers each') });
    expect(readNpy(join(folder, `${images}.npy`)).shape).toEqual([12, 8]);
    const probe = ['--rates', '0.1', '--epochs', '3', '--set', 'warmupEpochs=1'];
    const probed = await run('linprobe', model, ...probe, '--output', `probe-${channels}`);
    expect(probed.code).toBe(0);
    const predicted = await run('predict', images, '--from', `probe-${channels}`, '--json');
    expect(predicted.out.trim().split('\n')).toHaveLength(12);
    const judged = await run('knn', model, '--train-images', '0', '--test-images', '0');
    expect(judged.code).toBe(0);
  });

  it('refuses pictures of other channels, at once and in one line', async () => {
    const refusal = new RegExp(
      `^error: no image of 'colour' fits the model, the first being .*: the model takes images of ${channels} channels, got an image of 3$`,
      'm',
    );
    for (const args of [
      ['embed', 'colour', '--from', model, '--output', 'none.npy'],
      ['predict', 'colour', '--from', `probe-${channels}`],
      ['reconstruct', model, 'colour'],
    ]) {
      const { code, err } = await here(...args);
      expect(err, args[0]).toMatch(refusal);
      expect(err).not.toContain('broken image');
      expect(code).toBe(1);
    }
    const judged = await here('knn', model, '--data', 'classes:colour');
    expect(judged).toMatchObject({ code: 1, err: expect.stringContaining(`images of ${channels} channels`) });
  });
});

it('a model of colours refuses bands without colours', async () => {
  const settings = { training: { epochs: 1 }, evaluation: { reconstructions: 0 } };
  await pretrain(tinySettings(`classes:${join(folder, 'colour')}`, settings), {
    output: join(folder, 'rgb'),
  });
  const { code, err } = await run('embed', 'bands', '--from', 'rgb', '--output', 'none.npy');
  expect(err).toContain('the model takes images of 3 channels, got 12 bands without colours');
  expect(code).toBe(1);
});

describe('images that are named', () => {
  const args = (names: readonly string[]) => [
    ...['predict', ...names, '--from', 'probe-4', '--top', '1', '--json'],
  ];
  const predict = (...names: string[]) => run(...args(names));
  const refused = (...names: string[]) => here(...args(names));
  const files = (out: string) =>
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).file);

  it('may be files and folders, mixed', async () => {
    const one = join('colour-alpha', 'one');
    const { code, out } = await predict(join('colour-alpha', 'two', '3.png'), one, 'colour-alpha/two');
    expect(code).toBe(0);
    expect(files(out)).toEqual([
      'colour-alpha/two/3.png',
      ...[0, 1, 2, 3, 4, 5].map((i) => `colour-alpha/one/${i}.png`),
      ...[0, 1, 2, 3, 4, 5].map((i) => `colour-alpha/two/${i}.png`),
    ]);
  });

  it('must exist, before anything is done', async () => {
    const missing = await refused('colour-alpha/one/0.png', 'nothing.png', 'colour-alpha', 'tpyo');
    expect(missing).toEqual({
      code: 1,
      out: '',
      err: "error: no such file or folder: 'nothing.png', 'tpyo'\n",
    });
    expect(await refused('tpyo')).toMatchObject({ err: "error: no such file or folder: 'tpyo'\n" });
    expect((await here('preview', 'tpyo')).err).toBe("error: no such file or folder: 'tpyo'\n");
  });

  it.skipIf(process.platform === 'win32')('must be regular files', async () => {
    execFileSync('mkfifo', [join(folder, '2.png')]);
    await symlink('/dev/zero', join(folder, 'zero.png'));
    const refusal = (kind: string, name: string) =>
      `error: an image must be a regular file, got the ${kind} '${name}'\n`;
    for (const args of [
      ['predict', '2.png', '--from', 'probe-4'],
      ['preview', '2.png'],
      ['reconstruct', 'run-4', '2.png'],
    ])
      expect((await here(...args)).err, args[0]).toBe(refusal('named pipe', '2.png'));
    expect((await here('preview', 'zero.png')).err).toBe(refusal('device', 'zero.png'));
    expect((await run('embed', '2.png', '--from', 'run-4', '--output', 'none.npy')).err).toContain(
      'got the named pipe',
    );
  });
});

it('data verify names what is left out, and reads the rest', async () => {
  await mkdir(join(folder, 'mixed'));
  await cp(fixture('bands-5-tiles.tif'), join(folder, 'mixed', 'bands.tif'));
  await cp(fixture('rgba.png'), join(folder, 'mixed', 'picture'));
  await writeFile(join(folder, 'mixed', 'old.bmp'), 'BM');
  execFileSync('mkfifo', [join(folder, 'mixed', 'pipe.png')]);
  const { code, out, err } = await run('data', 'verify', 'mixed');
  expect(out).toBe('2 images, 0 of them broken\n');
  expect(err).toContain("left out of 'mixed': 1 .bmp");
  expect(err).toContain('1 named pipe: pipe.png');
  expect(code).toBe(0);
});

it('data pack keeps the bands of a model of so many channels', async () => {
  const packed = await run('data', 'pack', 'classes:bands', '--channels', '12', '--output', 'pack');
  expect(packed).toMatchObject({ code: 0, out: expect.stringContaining('12 images') });
  const args = ['embed', 'packed:pack', '--from', 'run-12', '--output', 'packed.npy'];
  expect(await run(...args)).toMatchObject({ code: 0 });
  const ofFiles = readNpy(join(folder, 'bands.npy'));
  expect(readNpy(join(folder, 'packed.npy')).data).toEqual(ofFiles.data);
  const colours = await run('data', 'pack', 'classes:bands', '--output', 'none');
  expect(colours.err).toContain('the model takes images of 3 channels, got 12 bands without colours');
  expect(colours.code).toBe(1);
});
