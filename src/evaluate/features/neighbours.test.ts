import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { randomCheckpoint } from '../../../tests/support/random-checkpoint.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { tinyImages } from '../../../tests/support/tiny-run.ts';
import { BrokenImages } from '../../data/load/broken.ts';
import { openImages } from '../../data/sources/image-list.ts';
import { referenceEngine } from '../../engines/reference/engine.ts';
import { rng } from '../../random/rng.ts';
import { fromPng } from '../../visualize/rgb-image.ts';
import { attentionMaps, drawAttention } from './attention.ts';
import { drawComponents } from './components.ts';
import { embed } from './embed.ts';
import { neighbours } from './neighbours.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const options = { engine: referenceEngine, featureCache: false, broken: new BrokenImages(() => {}) } as const;
const model = {
  image: [8, 8],
  patch: 4,
  width: 8,
  depth: 2,
  heads: 2,
  decoder: { width: 8, depth: 1, heads: 2 },
} as const;

beforeAll(async () => {
  await tinyImages(at('images'), 12, 2, seed);
  await writeFile(at('images/class0/broken.png'), 'no image');
  // A copy that is not the same file: the nearest of its original.
  await sharp(at('images/class1/003.png')).webp({ lossless: true }).toFile(at('copy.webp'));
  await mkdir(at('beside'));
  await copyFile(at('images/class1/003.png'), at('beside/query.png'));
  const settings = { ...model, image: [...model.image] as [number, number] };
  await randomCheckpoint(at('mean.safetensors'), rng(seed, 1), { model: settings });
  await randomCheckpoint(at('other.safetensors'), rng(seed, 2), { model: settings });
  await randomCheckpoint(at('class.safetensors'), rng(seed, 3), { model: { ...settings, classToken: true } });
});

describe(`neighbours (seed ${seed})`, () => {
  it('finds the copy of an image in a folder, and leaves out its own file', async () => {
    const found = await neighbours(
      at('mean.safetensors'),
      [at('copy.webp'), at('images/class1/003.png')],
      at('images'),
      {
        ...options,
        k: 4,
        picture: true,
      },
    );
    expect(found.among).toBe(12);
    const [copy, own] = found.images;
    expect(copy!.neighbours[0]).toMatchObject({ name: 'class1/003.png', similarity: expect.closeTo(1, 5) });
    expect(own!.neighbours.map(({ name }) => name)).not.toContain('class1/003.png');
    expect(own!.neighbours).toEqual(copy!.neighbours.slice(1).concat(own!.neighbours.slice(3)));
    const { width, height } = await sharp(found.png).metadata();
    expect(width).toBeGreaterThan(5 * 128); // the image and four neighbours
    expect(height).toBeGreaterThan(2 * 128);
  });

  it.each(['features.npy', 'features.parquet'])(
    'reads %s, and draws with and without --images',
    async (file) => {
      await embed(at('mean.safetensors'), at('images'), { ...options, output: at(file) });
      const direct = await neighbours(at('mean.safetensors'), [at('copy.webp')], at('images'), {
        ...options,
        k: 5,
      });
      const read = await neighbours(at('mean.safetensors'), [at('copy.webp')], at(file), {
        ...options,
        k: 5,
        picture: true,
      });
      expect(read).toEqual({ ...direct, png: undefined }); // names are relative to a folder that is not named
      const drawn = await neighbours(at('mean.safetensors'), [at('copy.webp')], at(file), {
        ...options,
        ...{ k: 5, picture: true, images: at('images') },
      });
      expect(drawn.images).toEqual(direct.images);
      expect((await fromPng(drawn.png!)).width).toBeGreaterThan(6 * 128);
    },
  );

  it('refuses features of another model, of other tokens, and of patches', async () => {
    const queries = [at('copy.webp')];
    await embed(at('other.safetensors'), at('images'), { ...options, output: at('other.npy') });
    const given = { ...options, images: at('images') };
    await expect(neighbours(at('mean.safetensors'), queries, at('other.npy'), given)).rejects.toThrow(
      /features must be those of the model: embed the images with .* and the same --tokens, got .*other\.npy, whose features of class0\/000\.png have a cosine of/,
    );
    await embed(at('class.safetensors'), at('images'), {
      ...options,
      pooling: 'token',
      output: at('token.parquet'),
    });
    await expect(neighbours(at('class.safetensors'), queries, at('token.parquet'), given)).rejects.toThrow(
      'the same --tokens',
    );
    await neighbours(at('class.safetensors'), queries, at('token.parquet'), { ...given, pooling: 'token' });
    for (const file of ['patches.npy', 'patches.parquet']) {
      await embed(at('mean.safetensors'), at('images'), { ...options, pooling: 'patch', output: at(file) });
      await expect(neighbours(at('mean.safetensors'), queries, at(file), given)).rejects.toThrow(
        /for each image|a row for each patch/,
      );
    }
  });

  it.each(['unnamed.npy', 'unnamed.parquet'])(
    'says that %s could not be checked without its images, and leaves out the own file by its name',
    async (file) => {
      const notes: string[] = [];
      const given = { ...options, k: 12, onNote: (note: string) => notes.push(note) };
      const query = [at('images/class1/003.png')];
      await embed(at('mean.safetensors'), at('images'), { ...options, output: at(file) });
      const { images } = await neighbours(at('mean.safetensors'), query, at(file), given);
      expect(notes).toEqual([
        expect.stringMatching(
          /could not be checked to hold features of .*mean\.safetensors.*--images FOLDER/,
        ),
      ]);
      expect(images[0]!.neighbours).toHaveLength(11);
      expect(images[0]!.neighbours.map(({ name }) => name)).not.toContain('class1/003.png');
      // A file of the same name in another folder is another image.
      const other = await neighbours(at('mean.safetensors'), [at('beside/query.png')], at(file), given);
      expect(other.images[0]!.neighbours[0]!.name).toBe('class1/003.png');
      notes.length = 0;
      await neighbours(at('mean.safetensors'), query, at(file), { ...given, images: at('images') });
      expect(notes).toEqual([]);
    },
  );

  it('needs another image', async () => {
    await mkdir(at('alone'));
    await copyFile(at('images/class1/003.png'), at('alone/only.png'));
    await expect(
      neighbours(at('mean.safetensors'), [at('alone/only.png')], at('alone'), { ...options, picture: true }),
    ).rejects.toThrow(
      /neighbours must be other images, got .*alone with only the image that they are looked for: name/,
    );
  });

  it('needs a whole k', async () => {
    for (const k of [0, 1.5])
      await expect(
        neighbours(at('mean.safetensors'), [at('copy.webp')], at('images'), { ...options, k }),
      ).rejects.toThrow(`k must be a whole number of at least 1, got ${k}`);
  });
});

describe(`pictures of tokens (seed ${seed})`, () => {
  it('attention maps sum to one, to less with a class token, and follow the token', async () => {
    const images = await openImages([at('images')]);
    const { maps, heads, grid, of, block, names } = await attentionMaps(
      at('mean.safetensors'),
      images,
      options,
    );
    expect({ heads, grid, of, block, images: names.length }).toEqual({
      heads: 2,
      grid: [2, 2],
      of: [1, 1],
      block: 2,
      images: 12,
    });
    for (let map = 0; map < 24; map++)
      expect(maps.subarray(4 * map, 4 * map + 4).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    const ofClass = await attentionMaps(at('class.safetensors'), images, options);
    expect(ofClass.of).toBe('class');
    for (let map = 0; map < 24; map++)
      expect(ofClass.maps.subarray(4 * map, 4 * map + 4).reduce((sum, value) => sum + value, 0)).toBeLessThan(
        1,
      );
    const first = await attentionMaps(at('mean.safetensors'), images, { ...options, of: [0, 1], block: 1 });
    expect(first.maps).not.toEqual(maps);
  });

  it.each<[object, string]>([
    [{ of: 'class' }, 'attention of the class token needs a model with one'],
    [{ of: [2, 0] }, 'attention must be that of a patch from 0,0 to 1,1'],
    [{ block: 3 }, 'a block must be one of 1 to 2'],
  ])('attention with %j is refused', async (more, message) => {
    const images = await openImages([at('copy.webp')]);
    await expect(attentionMaps(at('mean.safetensors'), images, { ...options, ...more })).rejects.toThrow(
      message,
    );
  });

  it('draws each readable image with its maps, its patch marked', async () => {
    const images = await openImages([at('images')]);
    const plain = await fromPng(await drawAttention(at('mean.safetensors'), images, options));
    const each = await fromPng(
      await drawAttention(at('mean.safetensors'), images, { ...options, eachHead: true }),
    );
    expect(each.width - plain.width).toBeGreaterThan(128);
    expect(plain.height).toBeGreaterThan(12 * 128);
    const red = Array.from({ length: plain.data.length / 3 }, (_, i) =>
      plain.data.subarray(3 * i, 3 * i + 3).join(),
    );
    expect(red.filter((colour) => colour === '230,30,30').length).toBeGreaterThan(12);
    const components = await fromPng(await drawComponents(at('mean.safetensors'), images, options));
    expect(components.height).toBeGreaterThan(12 * 128);
  });
});
