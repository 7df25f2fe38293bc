import { copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { beforeAll, describe, expect, it } from 'vitest';
import { readNpy } from '../../../tests/support/npy.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { tinyImages, tinySettings } from '../../../tests/support/tiny-run.ts';
import { BrokenImages } from '../../data/load/broken.ts';
import { openDataset } from '../../data/sources/open.ts';
import { packImages } from '../../data/sources/pack.ts';
import { referenceEngine } from '../../engines/reference/engine.ts';
import { readRows } from '../../io/jsonl.ts';
import { pretrain } from '../../pretrain.ts';
import { openModel } from '../../weights/model.ts';
import { likeliest, type Prediction, type PredictOptions, predict } from '../predict.ts';
import { linprobe } from '../probe/linprobe.ts';
import { type EmbedOptions, embed } from './embed.ts';
import { FeatureExtractor } from './extract.ts';

const folder = temporaryFolder();
const images = join(folder, 'images');
const quiet = () => new BrokenImages(() => {});
let model: string;

beforeAll(async () => {
  await tinyImages(images, 11, 2);
  const settings = { training: { epochs: 1 }, evaluation: { reconstructions: 0 } };
  const { checkpoint } = await pretrain(tinySettings(images, settings), { output: join(folder, 'run') });
  model = checkpoint;
  await writeFile(join(images, 'class1', '004.png'), 'no image');
});

describe('embed', () => {
  const write = (source: string, name: string, options: Partial<EmbedOptions> = {}) =>
    embed(model, source, {
      engine: referenceEngine,
      featureCache: false,
      broken: quiet(),
      output: join(folder, name),
      ...options,
    });

  async function expected(source: string) {
    const extractor = new FeatureExtractor(await openModel(model), {
      engine: referenceEngine,
      featureCache: false,
      broken: quiet(),
    });
    return extractor.features(await openDataset(source));
  }

  it('distinguishes images with the same names and sizes', async () => {
    const featureCache = join(folder, 'cache-of-tiffs');
    const put = async (name: string, letter: string) => {
      await mkdir(join(folder, name), { recursive: true });
      for (const program of ['pillow', 'tifffile'])
        await copyFile(
          join('tests', 'fixtures', 'identity', `${program}-${letter}.tif`),
          join(folder, name, `${program}.tif`),
        );
    };
    const rowsOf = async (name: string) => {
      const output = join(folder, 'tiffs.npy');
      await write(join(folder, name), 'tiffs.npy', { featureCache });
      const { features } = await expected(join(folder, name));
      expect(readNpy(output)).toEqual({ shape: [2, 8], data: features });
      return features;
    };
    await put('tiffs-a', 'a');
    await put('tiffs-b', 'b');
    const [a, b] = [await rowsOf('tiffs-a'), await rowsOf('tiffs-b')];
    expect(a).not.toEqual(b);
    await put('tiffs-a', 'b'); // in place
    expect(await rowsOf('tiffs-a')).toEqual(b);
    await rm(join(folder, 'tiffs-a'), { recursive: true });
    await put('tiffs-a', 'a');
    expect(await rowsOf('tiffs-a')).toEqual(a);
  });

  it.skipIf(process.platform === 'win32')('reads images again that failed to load', async () => {
    const featureCache = join(folder, 'cache-of-links');
    const source = join(folder, 'links');
    await tinyImages(source, 3, 1);
    await symlink('nowhere.png', join(source, 'class0', 'dangling.png'));
    await symlink('circle.png', join(source, 'class0', 'circle.png'));
    const broken = quiet();
    const first = await write(source, 'links.npy', { featureCache, broken });
    expect(first).toMatchObject({ images: 3, broken: 2 });
    expect([...broken.reasons.values()].sort()).toEqual([
      expect.stringContaining('ELOOP'),
      expect.stringContaining('ENOENT'),
    ]);
    await copyFile(join(source, 'class0', '000.png'), join(source, 'class0', 'nowhere.png'));
    expect(await write(source, 'links.npy', { featureCache })).toMatchObject({ images: 4, broken: 1 }); // the first link leads to a file that counts itself
  });

  it('writes a NumPy array and the names of its rows', async () => {
    const result = await write(images, 'flat.npy');
    expect(result).toMatchObject({
      images: 11,
      width: 8,
      broken: 1,
      files: [join(folder, 'flat.npy'), join(folder, 'flat.images.jsonl')],
    });
    const { features } = await expected(images);
    expect(readNpy(join(folder, 'flat.npy'))).toEqual({ shape: [11, 8], data: features });
    const rows = await readRows(join(folder, 'flat.images.jsonl'));
    expect(rows.map(({ file }) => file)).not.toContain('class1/004.png');
    expect(rows[0]).toEqual({ file: 'class0/000.png' });
  });

  it('writes Parquet with classes', async () => {
    const source = `classes:${images}`;
    await write(source, 'classes.parquet');
    const { features } = await expected(source);
    const rows = await parquetReadObjects({
      file: await asyncBufferFromFile(join(folder, 'classes.parquet')),
    });
    expect(rows).toHaveLength(11);
    for (const [i, row] of rows.entries()) {
      const label = row.file.startsWith('class1') ? 1 : 0;
      expect(row).toEqual({
        file: row.file,
        label,
        class: `class${label}`,
        feature: [...features.subarray(i * 8, (i + 1) * 8)],
      });
    }
  });

  it.each([
    ['features.txt', 'the output must be a .npy or .parquet file, got'],
    ['nowhere/features.npy', "the output's folder must exist, got"],
  ])('refuses %s', async (name, message) => {
    await expect(write(images, name)).rejects.toThrow(message);
  });

  it('reports that no image is readable', async () => {
    await writeFile(join(folder, 'broken.png'), 'no image');
    await expect(write(join(folder, 'none'), 'none.npy')).rejects.toThrow('must exist');
    const empty = join(folder, 'all-broken');
    await tinyImages(empty, 1, 1);
    await writeFile(join(empty, 'class0', '000.png'), 'no image');
    await expect(write(empty, 'none.npy')).rejects.toThrow('no image of');
  });
});

describe('predict', () => {
  let classifier: string;

  beforeAll(async () => {
    const { checkpoint } = await linprobe(model, {
      ...{ engine: referenceEngine, featureCache: false, broken: quiet(), output: join(folder, 'probe') },
      settings: { data: `classes:${images}`, epochs: 1, warmupEpochs: 0, learningRates: [1], batchSize: 4 },
    });
    classifier = checkpoint!;
  });

  async function all(names: readonly string[], options: PredictOptions = {}): Promise<Prediction[]> {
    const predictions: Prediction[] = [];
    const given = { engine: referenceEngine, broken: quiet(), imagesAtOnce: 3, ...options };
    for await (const prediction of predict(classifier, names, given)) predictions.push(prediction);
    return predictions;
  }

  it('predicts the same classes for a folder and for its files', async () => {
    const predictions = await all([images]);
    expect(predictions).toHaveLength(11);
    for (const { classes } of predictions) {
      expect(classes.map((one) => one.class).sort()).toEqual(['class0', 'class1']);
      expect(classes[0]!.probability).toBeGreaterThanOrEqual(classes[1]!.probability);
      expect(classes[0]!.probability + classes[1]!.probability).toBeCloseTo(1, 10);
    }
    const { file, classes } = predictions[2]!;
    const path = join(images, file);
    expect(await all([path, join(images, 'class1', '004.png')], { top: 1 })).toEqual([
      { ...predictions[2], file: path, classes: classes.slice(0, 1) },
    ]);
  });

  it('appends to a file, and resumes from it', async () => {
    const output = join(folder, 'predictions.jsonl');
    const whole = await all([images]);
    for await (const { file } of predict(classifier, [images], {
      engine: referenceEngine,
      broken: quiet(),
      imagesAtOnce: 3,
      output,
    }))
      if (file === whole[3]!.file) break; // in the second batch, which is on the disk
    expect(await readRows(output)).toEqual(whole.slice(0, 6));
    expect(await all([images], { output })).toEqual(whole.slice(6));
    expect(await readRows(output)).toEqual(whole);
    expect(await all([images], { output })).toEqual([]);

    const other = join(folder, 'other.jsonl');
    await writeFile(other, '{"file": "a.png", "model": "another"}\n');
    await expect(all([images], { output: other })).rejects.toThrow(
      'predictions of another: choose another file',
    );
  });

  it('identifies images by their paths, not only by their names', async () => {
    const output = join(folder, 'week.jsonl');
    const days = ['monday', 'tuesday'].map((day) => join(folder, day));
    for (const [i, day] of days.entries()) await tinyImages(day, 4, 2, 20 + i);
    const [monday, tuesday] = days as [string, string];
    expect(await all([monday], { output })).toHaveLength(4);
    const second = await all([tuesday], { output });
    expect(second.map(({ image }) => image)).toEqual(second.map(({ file }) => join(tuesday, file)));
    expect(second).toHaveLength(4);
    for (const again of [
      [monday],
      [`folder:${tuesday}`],
      [relative('.', monday)],
      second.map((one) => one.image),
    ])
      expect(await all(again, { output })).toEqual([]);
    await packImages(await openDataset(tuesday), join(folder, 'pack'), { resize: 0, broken: quiet() });
    expect(await all([`packed:${join(folder, 'pack')}`], { output })).toHaveLength(4);
    expect(await all([`packed:${relative('.', join(folder, 'pack'))}`], { output })).toEqual([]);
    const rows = await readRows<Prediction>(output);
    expect(new Set(rows.map(({ image }) => image)).size).toBe(12);
  });

  it('resumes from the file of an earlier version', async () => {
    const output = join(folder, 'earlier.jsonl');
    const source = join(folder, 'monday');
    const whole = await all([source]);
    const earlier = whole.slice(0, 3).map(({ image: _, ...row }) => row);
    await writeFile(
      output,
      [...earlier, { ...earlier[0], file: 'gone.png' }].map((row) => `${JSON.stringify(row)}\n`).join(''),
    );
    const notes: string[] = [];
    const onNote = (note: string) => notes.push(note);
    expect(await all([source], { output, onNote })).toEqual(whole.slice(3));
    expect(notes).toEqual([expect.stringContaining('has 3 rows of an earlier version')]);
    const rows = await readRows(output);
    expect([...rows.slice(0, 3), ...rows.slice(4)]).toEqual(whole);
    expect(await all([join(folder, 'tuesday')], { output, onNote })).toHaveLength(4);
    expect(notes).toHaveLength(1);
  });

  it('writes beside the files of embed, and reports other contents', async () => {
    const [table, output] = [join(folder, 'photos.npy'), join(folder, 'photos.jsonl')];
    const given = { engine: referenceEngine, featureCache: false as const, broken: quiet() };
    await embed(classifier, images, { ...given, output: table });
    const predictions = await all([images], { output });
    await embed(classifier, images, { ...given, output: table });
    expect(await readRows(output)).toEqual(predictions);
    const names = join(folder, 'photos.images.jsonl');
    await expect(all([images], { output: names })).rejects.toThrow('must hold predictions and nothing else');
  });

  it('needs a head and a readable image', async () => {
    await expect(predict(model, [images], { engine: referenceEngine }).next()).rejects.toThrow(
      'has no classifier; train one',
    );
    await expect(all([join(images, 'class1', '004.png')])).rejects.toThrow('no image of');
  });
});

it('likeliest is a softmax', () => {
  const [first, second] = likeliest(Float32Array.of(1000, 1001, 999), 2, { classes: ['a', 'b', 'c'] });
  expect([first!.class, second!.class]).toEqual(['b', 'a']);
  expect(first!.probability).toBeCloseTo(1 / (1 + Math.exp(-1) + Math.exp(-2)), 10);
  expect(likeliest(Float32Array.of(0, 1), 5).map((one) => one.class)).toEqual(['1', '0']);
});
