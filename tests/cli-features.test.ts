import { copyFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { readNpy } from '../src/io/read-npy.ts';
import { rng } from '../src/random/rng.ts';
import { commandHere } from './support/command-here.ts';
import { randomCheckpoint } from './support/random-checkpoint.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages } from './support/tiny-run.ts';

const folder = temporaryFolder();
const run = commandHere(folder);
const reference = ['--engine', 'reference'];

beforeAll(async () => {
  await tinyImages(join(folder, 'images'), 6);
  await copyFile(join(folder, 'images/class0/002.png'), join(folder, 'cat.png'));
  const model = { image: [8, 8], patch: 4, width: 8, depth: 2, heads: 2 } as const;
  const settings = { ...model, image: [8, 8] as [number, number], decoder: { width: 8, depth: 1, heads: 2 } };
  await randomCheckpoint(join(folder, 'model.safetensors'), rng(5), {
    model: { ...settings, classToken: true },
  });
});

describe('embed --tokens', () => {
  const embed = (...more: string[]) =>
    run('embed', 'images', '--from', 'model.safetensors', ...reference, ...more);

  it('writes features of patches, of the class token, and their mean', async () => {
    const patch = await embed('--tokens', 'patch', '--output', 'patch.npy', '--no-cache');
    expect([patch.code, patch.out]).toEqual([
      0,
      '6 images of 2×2 patches, 8 numbers each\npatch.npy\npatch.images.jsonl\n',
    ]);
    const of = async (tokens: string, option = '--tokens') => {
      expect((await embed(option, tokens, '--output', `${tokens}.npy`)).code).toBe(0);
      return readNpy(join(folder, `${tokens}.npy`));
    };
    const [mean, ofClass, before] = [await of('mean'), await of('class'), await of('token', '--pooling')];
    const { shape, data } = await readNpy(join(folder, 'patch.npy'));
    expect([shape, mean.shape, ofClass.shape]).toEqual([
      [6, 2, 2, 8],
      [6, 8],
      [6, 8],
    ]);
    expect(ofClass).toEqual(before);
    expect(ofClass.data).not.toEqual(mean.data);
    for (let i = 0; i < 48; i++) {
      const [image, d] = [Math.floor(i / 8), i % 8];
      const patches = [0, 1, 2, 3].map((p) => Number(data[(4 * image + p) * 8 + d]));
      expect(Number(mean.data[i])).toBeCloseTo(
        patches.reduce((sum, value) => sum + value / 4, 0),
        5,
      );
    }
  });

  it.each([
    [
      'embed images --from model.safetensors --output x.npy --tokens all',
      '--tokens must be mean, class or patch, got "all"',
    ],
    [
      'knn model.safetensors --tokens patch',
      '--tokens must be mean or class here, got "patch": `embed` writes',
    ],
    [
      'attention model.safetensors cat.png --of 3',
      '--of must be class, or ROW,COLUMN of a patch such as 3,5, got "3"',
    ],
    [
      'attention model.safetensors cat.png --block 0',
      '--block must be a whole number of at least 1, got "0"',
    ],
    ['components model.safetensors cat.png --count 0', '--count must be a whole number of at least 1'],
    [
      'neighbours cat.png --among images --from model.safetensors -k 0',
      '-k must be a whole number of at least 1',
    ],
    ['neighbours cat.png --from model.safetensors', "required option '--among <features>' not specified"],
  ])('%s: one message, exit code 2', async (line, message) => {
    const { code, err } = await run(...line.split(' '));
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n\s+at /);
    expect(code).toBe(2);
  });
});

describe('attention and components', () => {
  it.each(['attention', 'components'])('%s writes a picture, and says where', async (command) => {
    const { code, out } = await run(
      command,
      'model.safetensors',
      'cat.png',
      'images',
      '--count',
      '3',
      ...reference,
    );
    expect([code, out]).toEqual([0, `${command}.png\n`]);
    expect((await sharp(await readFile(join(folder, `${command}.png`))).metadata()).height).toBeGreaterThan(
      3 * 128,
    );
  });

  it.each([
    ['attention model.safetensors cat.png --of 2,0', 'attention must be that of a patch from 0,0 to 1,1'],
    ['attention model.safetensors cat.png --block 3', 'a block must be one of 1 to 2'],
    ['components model.safetensors nowhere.png', "no such file or folder: 'nowhere.png'"],
    ['components nowhere.pth cat.png', 'nowhere.pth: no such file or folder'],
  ])('%s: one message, exit code 1, and no picture', async (line, message) => {
    const { code, err } = await run(...line.split(' '), '--output', 'none.png', ...reference);
    expect(err).toContain(message);
    expect(code).toBe(1);
    await expect(stat(join(folder, 'none.png'))).rejects.toThrow('ENOENT');
  });
});

describe('neighbours', () => {
  it('prints the nearest images of a folder and of features, and draws them', async () => {
    const from = ['--from', 'model.safetensors', '-k', '3', ...reference];
    const among = await run('neighbours', 'cat.png', '--among', 'images', ...from);
    expect(among.code).toBe(0);
    expect(among.out).toMatch(
      /^cosine {2}neighbours of cat\.png\n1\.000 {3}class0\/002\.png\n0\.\d+ .*\n.*\n\nneighbours\.png\n$/,
    );
    await run('embed', 'images', '--from', 'model.safetensors', ...reference, '--output', 'features.parquet');
    const features = await run('neighbours', 'cat.png', '--among', 'features.parquet', '--json', ...from);
    expect(JSON.parse(features.out)).toMatchObject({
      among: 6,
      images: [{ name: 'cat.png', neighbours: [{ name: 'class0/002.png' }, {}, {}] }],
    });
    expect(features.err).toContain(
      'no picture: the images of features.parquet are not found by their names, --images names them',
    );
    const drawn = await run(
      'neighbours',
      'cat.png',
      '--among',
      'features.parquet',
      '--images',
      'images',
      '--output',
      'n.png',
      ...from,
    );
    expect(drawn.out).toBe(among.out.replace('neighbours.png', 'n.png'));
  });
});
