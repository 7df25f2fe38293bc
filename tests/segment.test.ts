import { existsSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encode } from 'fast-png';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SegmentInput } from '../src/config/segment-schema.ts';
import { writeShapes } from '../src/data/shapes/write.ts';
import { embed } from '../src/evaluate/features/embed.ts';
import { predictMasks } from '../src/evaluate/segmentation/predict-masks.ts';
import { encodePalettePng, vocPalette } from '../src/io/palette-png.ts';
import { pretrain } from '../src/pretrain.ts';
import { rng } from '../src/random/rng.ts';
import type { SegmentEvent } from '../src/run/events.ts';
import { trainSegmenter } from '../src/segment.ts';
import { openModel } from '../src/weights/model.ts';
import { seed } from './support/random.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { tinyImages, tinySegmentSettings, tinySettings } from './support/tiny-run.ts';

const folder = temporaryFolder();
const shapes = join(folder, 'shapes');
let runs = 0;
const newOutput = () => join(folder, `run-${runs++}`);

beforeAll(() => writeShapes(shapes, { train: 6, val: 3, size: 20, seed: 5 }));

/** Trains, and gathers the notes. */
async function notesOf(settings: SegmentInput, from?: string) {
  const notes: string[] = [];
  const onEvent = (event: SegmentEvent) => void (event.type === 'note' && notes.push(event.message));
  const output = newOutput();
  await trainSegmenter(settings, { output, onEvent, ...(from && { from }) });
  return { notes, output };
}

describe.each(['linear', 'upernet'] as const)('a tiny batch is learned by heart (%s)', (kind) => {
  it('above 0.95 mIoU', async () => {
    const source = join(folder, `same-${kind}`);
    await writeShapes(source, { train: 4, val: 0, size: 24, seed: 7 });
    const { best } = await trainSegmenter(
      tinySegmentSettings(`masks:${source}`, {
        // The images that are judged are those that are learned, in a folder of another name.
        data: { test: `masks:${await copyOf(source)}`, scale: [1, 1], flip: 0, photometric: false },
        model: {
          ...{ image: [24, 24], patch: 2, width: 64, depth: 3, heads: 4 },
          head: { kind, channels: 64, scales: [2, 1, 0.5], pools: [1, 2], auxiliary: 0, dropout: 0 },
        },
        training: {
          ...{ epochs: 160, batchSize: 4, warmupEpochs: 5, dropPath: 0, layerDecay: 1 },
          weightDecay: 0,
          learningRate: kind === 'linear' ? 0.32 : 0.64,
        },
        evaluation: { every: 40, pictures: 0 },
        checkpoints: { every: 0 },
      }),
      { output: newOutput() },
    );
    expect(best!.mIoU).toBeGreaterThan(0.95);
  }, 240_000);
});

/** A copy that counts as other images: one more, whose mask is ignored. */
async function copyOf(source: string): Promise<string> {
  const copy = `${source}-copy`;
  await cp(source, copy, { recursive: true });
  const side = 8;
  await writeFile(
    join(copy, 'images/train/zz.png'),
    encode({ width: side, height: side, channels: 3, data: new Uint8Array(3 * side * side) }),
  );
  await writeFile(
    join(copy, 'masks/train/zz.png'),
    encode({ width: side, height: side, channels: 1, data: new Uint8Array(side * side).fill(255) }),
  );
  return copy;
}

describe('masks that cannot be learned from are refused before a run leaves anything', () => {
  const classes = (...values: number[]) =>
    JSON.stringify({ classes: values.map((value) => ({ name: `c${value}`, value })), ignore: [] });

  /** A folder of two images of 8 × 6 with these masks. */
  async function masks(name: string, mask: (i: number) => Uint8Array, table: string): Promise<string> {
    const path = join(folder, name);
    await cp(shapes, path, { recursive: true, filter: (from) => !/\.png$|annotations/.test(from) });
    for (const part of ['train', 'val'])
      for (const i of [0, 1]) {
        const data = Uint8Array.from({ length: 144 }, (_, j) => (j * 37 + i * 11 + part.length) % 251);
        await writeFile(
          join(path, `images/${part}/${i}.png`),
          encode({ width: 8, height: 6, channels: 3, data }),
        );
        await writeFile(join(path, `masks/${part}/${i}.png`), mask(i));
      }
    await writeFile(join(path, 'classes.json'), table);
    return path;
  }
  const grey = (values: readonly number[], [width, height] = [8, 6]) =>
    encode({
      ...{ width: width!, height: height!, channels: 1 },
      data: Uint8Array.from({ length: 48 }, (_, j) => values[j % values.length]!),
    });

  it.each<[string, (i: number) => Uint8Array, string, RegExp]>([
    [
      'of 0 and 255',
      () => grey([0, 255]),
      classes(0, 1),
      /masks of 0 and 255 hold two classes: write "value": 255/,
    ],
    [
      'one apart',
      () => grey([1, 2, 3]),
      classes(0, 1, 2),
      /they are one apart; number the classes from 1 on/,
    ],
    [
      'in colours',
      () =>
        encode({
          ...{ width: 8, height: 6, channels: 3 },
          data: Uint8Array.from({ length: 144 }, (_, j) => (j % 3 === 0 ? 200 : 10)),
        }),
      classes(0, 1),
      /the masks are colours, the table has values/,
    ],
    [
      'of another size',
      (i) => grey([0, 1], i === 1 ? [6, 8] : [8, 6]),
      classes(0, 1),
      /must have its image's size, 6 × 8/,
    ],
    [
      'of one class',
      () => grey([0]),
      classes(0, 1),
      /masks must hold two classes or more to learn from, got 'c0' alone/,
    ],
    [
      'with a value that is not listed',
      () =>
        encodePalettePng(
          { width: 8, height: 6, data: new Uint8Array(48).map((_, j) => j % 3) },
          vocPalette(),
        ),
      classes(0, 1),
      /1 value without a class, 2 \(33.33 % of the pixels/,
    ],
  ])('%s', async (name, mask, table, message) => {
    const source = `masks:${await masks(name.replaceAll(' ', '-'), mask, table)}`;
    const output = newOutput();
    const run = trainSegmenter(tinySegmentSettings(source), { output });
    const error = await run.then(
      () => undefined,
      (error: Error) => error,
    );
    expect(error?.message).toMatch(message);
    expect(error?.message).not.toContain('\n');
    expect(existsSync(output)).toBe(false);
  });

  it('images without masks, and other classes to evaluate on', async () => {
    await tinyImages(join(folder, 'photos'), 4);
    await expect(
      trainSegmenter(tinySegmentSettings(join(folder, 'photos')), { output: newOutput() }),
    ).rejects.toThrow(/images must have masks to be segmented, got .*: masks:FOLDER has them/);
    const others = await masks('others', () => grey([0, 1]), classes(0, 1));
    const given = tinySegmentSettings(`masks:${shapes}`, { data: { test: `masks:${others}` } });
    await expect(trainSegmenter(given, { output: newOutput() })).rejects.toThrow(
      /must have the classes of the training masks in the same order, got .* with c0 in the place of background/,
    );
  });
});

it('without a val part, a share of the images is held out; settings limit the images', async () => {
  const source = join(folder, 'undivided');
  await writeShapes(source, { train: 10, val: 0, size: 20, seed: 9 });
  const starts: Extract<SegmentEvent, { type: 'start' }>[] = [];
  const given = tinySegmentSettings(`masks:${source}`, {
    data: { heldOut: 0.3, trainImages: 5 },
    evaluation: { images: 2, scales: [0.5, 1], flip: true, stride: 0.5 },
    training: { maxSteps: 1, lossOver: 'labelled', schedule: 'cosine' },
  });
  const onEvent = (event: SegmentEvent) => void (event.type === 'start' && starts.push(event));
  const { best } = await trainSegmenter(given, { output: newOutput(), onEvent });
  expect(starts).toMatchObject([{ images: 5, testImages: 2, config: { data: { shortSide: 0 } } }]);
  expect(best!.mIoU).toBeGreaterThanOrEqual(0);
  const none = tinySegmentSettings(`masks:${source}`, { data: { heldOut: 0 } });
  await expect(trainSegmenter(none, { output: newOutput() })).rejects.toThrow(
    /images to evaluate on are needed, got none/,
  );
});

it('settings that do not fit are refused by their rule', async () => {
  const refused = async (model: SegmentInput['model'], message: string) =>
    expect(
      trainSegmenter(tinySegmentSettings(`masks:${shapes}`, { model }), { output: newOutput() }),
    ).rejects.toThrow(message);
  const kind = 'upernet' as const;
  await refused(
    { head: { kind, scales: [1, 2] } },
    'model.head.scales must be some of 4, 2, 1 and 0.5, falling, got [1,2]',
  );
  await refused(
    { head: { kind, taps: [0, 1] } },
    'model.head.taps must name a block for each of model.head.scales, got [0,1] and [4,2,1,0.5]',
  );
  await refused(
    { head: { kind, taps: [0, 2], scales: [2, 1] } },
    'model.head.taps must be blocks, whole numbers from 0 to model.depth - 1, got [0,2] and 2',
  );
  await refused({ image: [18, 16] }, 'both sides of model.image must be multiples of model.patch');
});

describe('a segmenter starts from the weights of other runs', () => {
  it('of pre-training, whose positions become trained ones', async () => {
    await tinyImages(join(folder, 'images'), 8);
    const pretrained = join(folder, 'pretrained');
    const given = { training: { maxSteps: 1 }, model: { depth: 2 }, evaluation: { reconstructions: 0 } };
    await pretrain(tinySettings(`classes:${join(folder, 'images')}`, given), { output: pretrained });
    const short = { training: { epochs: 1, warmupEpochs: 0 } };
    const { notes, output } = await notesOf(tinySegmentSettings(`masks:${shapes}`, short), pretrained);
    expect(notes.join('\n')).toMatch(/masks of 6 images: 0 background [\d.]+ %, .*; 0.0 % ignored/);
    expect(notes.join('\n')).toMatch(
      /encoder loaded from .* \(\d+ weights\); new linear head for 4 classes\npositions interpolated \(bicubic\) for 4×4 patches, the file's are for 2×2/,
    );
    // The same head takes its weights along.
    const again = await notesOf(tinySegmentSettings(`masks:${shapes}`, short), output);
    expect(again.notes.join('\n')).toContain('linear head for 4 classes loaded');
    const upernet = { ...short, model: { head: { kind: 'upernet' as const, scales: [2, 1], auxiliary: 0 } } };
    const other = await notesOf(tinySegmentSettings(`masks:${shapes}`, upernet), output);
    expect(other.notes.join('\n')).toContain("new upernet head for 4 classes (the file's is another one)");
    // Features come from the norm behind the encoder: UperNet has none.
    const embedded = await embed(output, join(folder, 'images'), { onNote: () => {} });
    expect(embedded).toMatchObject({ images: 8, width: 8 });
    await expect(embed(other.output, join(folder, 'images'))).rejects.toThrow(
      /features need the norm behind the encoder, got .* of a segmentation with UperNet/,
    );
  });
});

it('a turned photograph is trained on and predicted upright, as its mask lies', async () => {
  const random = rng(seed, 'turned');
  const source = join(folder, 'turned');
  for (const kind of ['images', 'masks']) await mkdir(join(source, kind), { recursive: true });
  const [width, height] = [24, 16]; // as stored; upright 16 × 24
  for (const name of ['a', 'b', 'c', 'd']) {
    const pixels = Uint8Array.from({ length: 3 * width * height }, () => random.int(256));
    const stored = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 100 })
      .toBuffer();
    await writeFile(join(source, 'images', `${name}.jpg`), stored);
    await writeFile(join(folder, `${name}-upright.png`), await sharp(stored).rotate().png().toBuffer());
    const data = Uint8Array.from({ length: width * height }, () => random.int(2));
    await writeFile(
      join(source, 'masks', `${name}.png`),
      encodePalettePng({ width: height, height: width, data }, vocPalette(2)),
    );
  }
  await writeFile(join(source, 'classes.json'), '{"0": "rest", "1": "thing"}');
  const settings = { data: { heldOut: 0.25 }, training: { epochs: 2, batchSize: 2, warmupEpochs: 0 } };
  const { output } = await notesOf(tinySegmentSettings(`masks:${source}`, settings));
  const predicted = async (path: string) => {
    for await (const { labels, width, height } of predictMasks(output, [path]))
      return { labels, width, height };
  };
  const turned = await predicted(join(source, 'images/a.jpg'));
  expect(turned, `SEED=${seed}`).toMatchObject({ width: 16, height: 24 });
  expect(turned).toEqual(await predicted(join(folder, 'a-upright.png')));
});

it('a head that does not take the last blocks trains without them', async () => {
  const head = { kind: 'upernet' as const, channels: 8, taps: [0, 1], scales: [2, 1], auxiliary: 0 };
  const settings = { model: { depth: 4, head }, training: { epochs: 1, warmupEpochs: 0 } };
  const { output } = await notesOf(tinySegmentSettings(`masks:${shapes}`, settings));
  const { weights, encoder } = await openModel(output);
  expect(encoder.depth).toBe(4);
  expect(Object.keys(weights)).toContain('blocks.1.norm1.weight');
  expect(Object.keys(weights)).not.toContain('blocks.2.norm1.weight');
});
