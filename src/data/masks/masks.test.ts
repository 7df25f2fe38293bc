import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { encodePalettePng, vocPalette } from '../../io/palette-png.ts';
import { digestFolder } from '../sources/folder-digest.ts';
import { openDataset, testSetOf, verifySource } from '../sources/open.ts';
import { requireMasksOnce } from './kept-scan.ts';
import { readMask } from './read.ts';
import { requireMasks } from './scan.ts';

const root = temporaryFolder();
let folders = 0;

/** A folder with files of the given contents. */
function folderOf(files: Record<string, string | Uint8Array | Promise<Uint8Array>>) {
  const folder = join(root, `set ${folders++}`);
  return Promise.all(
    Object.entries(files).map(async ([name, content]) => {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), await content);
    }),
  ).then(() => folder);
}

const picture = (width = 4, height = 3) =>
  sharp({ create: { width, height, channels: 3, background: '#336699' } })
    .png()
    .toBuffer();
const photo = (width = 4, height = 3, orientation = 1) =>
  sharp({ create: { width, height, channels: 3, background: '#336699' } })
    .withMetadata({ orientation })
    .jpeg()
    .toBuffer();
/** A mask that holds the values, one after another and again. */
const mask = (values: readonly number[], width = 4, height = 3) =>
  encodePalettePng(
    {
      width,
      height,
      data: Uint8Array.from({ length: width * height }, (_, i) => values[i % values.length]!),
    },
    vocPalette(),
  );
const colours = (all: readonly (readonly number[])[], width = 4, height = 3) =>
  sharp(
    Uint8Array.from({ length: 3 * width * height }, (_, i) => all[Math.floor(i / 3) % all.length]![i % 3]!),
    {
      raw: { width, height, channels: 3 },
    },
  )
    .png()
    .toBuffer();
const classes = (...values: number[]) =>
  JSON.stringify({ classes: values.map((value) => ({ name: `c${value}`, value })), ignore: [] });

const scanned = async (files: Parameters<typeof folderOf>[0]) =>
  requireMasks(await openDataset(`masks:${await folderOf(files)}`));

describe('layouts', () => {
  const table = { 'classes.json': classes(0, 1) };
  const layouts: Record<string, [Record<string, string | Uint8Array | Promise<Uint8Array>>, string[]]> = {
    'images and masks': [{ 'images/a.jpg': photo(), 'masks/a.png': mask([0, 1]), ...table }, ['a.jpg']],
    'with folders inside': [
      {
        'images/x/a.jpg': photo(),
        'images/y/a.jpg': photo(),
        'masks/x/a.png': mask([0]),
        'masks/y/a.png': mask([1]),
        ...table,
      },
      ['x/a.jpg', 'y/a.jpg'],
    ],
    'ends of names': [{ 'images/a.jpg': photo(), 'masks/a_mask.png': mask([0, 1]), ...table }, ['a.jpg']],
    'parts inside': [
      {
        'images/train/a.jpg': photo(),
        'masks/train/a.png': mask([0, 1]),
        'images/val/b.jpg': photo(),
        'masks/val/b.png': mask([0, 1]),
        ...table,
      },
      ['a.jpg', 'b.jpg'],
    ],
    'parts outside': [
      {
        'train/images/a.png': picture(),
        'train/masks/a.png': mask([0, 1]),
        'valid/images/b.png': picture(),
        'valid/masks/b.png': mask([0]),
        ...table,
      },
      ['a.png', 'b.png'],
    ],
    ADE20K: [
      {
        'images/training/ADE_1.jpg': photo(),
        'annotations/training/ADE_1.png': mask([0, 1, 2]),
        'images/validation/ADE_2.jpg': photo(),
        'annotations/validation/ADE_2.png': mask([0, 1, 2]),
        'objectInfo150.txt':
          'Idx\tRatio\tTrain\tVal\tStuff\tName\n1\t0.1\t9\t9\t1\twall\n2\t0.1\t9\t9\t1\tbuilding, edifice\n',
      },
      ['ADE_1.jpg', 'ADE_2.jpg'],
    ],
    'PASCAL VOC': [
      {
        'JPEGImages/a.jpg': photo(),
        'JPEGImages/b.jpg': photo(),
        'JPEGImages/unlabelled.jpg': photo(),
        'SegmentationClass/a.png': mask([0, 15, 255]),
        'SegmentationClass/b.png': mask([0, 15, 255]),
        'ImageSets/Segmentation/train.txt': 'a\n',
        'ImageSets/Segmentation/val.txt': 'b\n',
      },
      ['a.jpg', 'b.jpg'],
    ],
    CamVid: [
      {
        'train/a.png': picture(),
        'trainannot/a.png': mask([0, 1, 11]),
        'val/b.png': picture(),
        'valannot/b.png': mask([0, 11]),
      },
      ['a.png', 'b.png'],
    ],
  };

  it.each(Object.entries(layouts))('%s', async (_, [files, [first, second]]) => {
    const folder = await folderOf(files);
    const notes: string[] = [];
    const train = await openDataset(`masks:${folder}`, { onNote: (note) => notes.push(note) });
    expect(train.id(0)).toBe(first);
    expect(notes).toEqual([]);
    await requireMasks(train);
    const test = testSetOf(`masks:${folder}`);
    if (second?.includes('b.') || second?.includes('_2')) {
      expect(test).toBe(`masks:${folder}@val`);
      expect((await openDataset(test!)).id(0)).toBe(second);
      expect(testSetOf(test!)).toBeUndefined();
    } else expect(test).toBeUndefined();
    const { data } = await readMask(train.masks!.source(0), train.masks!.table!);
    expect(data[0]).toBe(_ === 'ADE20K' ? 255 : 0);
  });

  it('names of classes come from the set itself', async () => {
    const [ade] = layouts.ADE20K!;
    expect((await openDataset(`masks:${await folderOf(ade)}`)).masks!.classes).toEqual(['wall', 'building']);
    const [voc] = layouts['PASCAL VOC']!;
    expect((await openDataset(`masks:${await folderOf(voc)}`)).masks!.classes[15]).toBe('person');
  });

  it('another layout is refused with those there are', async () => {
    const folder = await folderOf({ 'a/b.png': picture() });
    await expect(openDataset(`masks:${folder}`)).rejects.toThrow(
      /images with masks must lie in images\/ and masks\/ .*; got a in/,
    );
    await expect(openDataset(`masks:${folder}/nowhere`)).rejects.toThrow('the data folder must exist');
    const whole = await folderOf({ 'images/a.png': picture(), 'masks/a.png': mask([0]) });
    await expect(openDataset(`masks:${whole}@val`)).rejects.toThrow('must hold the part val, got train');
  });
});

describe('what is wrong with masks is said with its remedy', () => {
  const one = (values: readonly number[], table: string, width?: number) =>
    scanned({ 'images/a.png': picture(), 'masks/a.png': mask(values, width), 'classes.json': table });

  it('masks of 0 and 255', async () => {
    await expect(one([0, 255], classes(0, 1))).rejects.toThrow(
      /value of a mask must be a class's or ignored, got 1 value without a class, 255 \(50\.00 % .*: masks of 0 and 255 hold two classes: write "value": 255/,
    );
    const ignored = JSON.stringify({
      classes: [
        { name: 'b', value: 0 },
        { name: 'n', value: 1 },
      ],
      ignore: [255],
    });
    await expect(one([0, 255], ignored)).rejects.toThrow(
      "masks must hold two classes or more to learn from, got 'b' alone (the values 0 and 255): if 255 is a class, give it to that class",
    );
    expect((await one([0, 255], classes(0, 255))).problems).toEqual([]);
  });

  it('classes that are one apart', async () => {
    await expect(one([1, 2, 3], classes(0, 1, 2))).rejects.toThrow(
      'the values begin at 1 and classes.json at 0: they are one apart; number the classes from 1 on',
    );
    await expect(one([0, 1, 2], classes(1, 2))).rejects.toThrow(
      'the classes begin at 1: name the value 0 as a class, or put it into "ignore"',
    );
  });

  it('a border of 255, a value that was forgotten, a smoothed mask', async () => {
    await expect(one([0, 1, 2, 255], classes(0, 1, 2))).rejects.toThrow(
      'put 255 into "ignore" where it means a border',
    );
    await expect(one([0, 1, 7], classes(0, 1))).rejects.toThrow(
      /7 \(33\.33 % of the pixels, first in '.*a\.png'\): name them as classes in classes\.json, or put them into "ignore"/,
    );
    const smooth = Array.from({ length: 200 }, (_, i) => i);
    await expect(
      scanned({
        'images/a.png': picture(20, 20),
        'masks/a.png': mask(smooth, 20, 20),
        'classes.json': classes(0, 199),
      }),
    ).rejects.toThrow('this number of values comes from smoothing');
  });

  it('colours in place of indices, and with a table of colours', async () => {
    const [red, blue] = [
      [255, 0, 0],
      [0, 0, 255],
    ];
    const files = { 'images/a.png': picture(), 'masks/a.png': colours([red!, blue!]) };
    await expect(scanned({ ...files, 'classes.json': classes(0, 1) })).rejects.toThrow(
      /2 colours without a class, #0000ff, #ff0000 .*: the masks are colours, the table has values: give each class its colour .*"color": \[0, 0, 255\]/,
    );
    const both = {
      classes: [
        { name: 'r', color: red },
        { name: 'b', color: blue },
      ],
    };
    const scan = await scanned({ ...files, 'classes.json': JSON.stringify(both) });
    expect(scan.found.map(({ meaning }) => meaning).sort()).toEqual([0, 1]);
    await expect(
      scanned({ ...files, 'classes.json': JSON.stringify({ classes: [{ name: 'r', color: red }] }) }),
    ).rejects.toThrow('list the colour in classes.json ("color": [0, 0, 255]), or put it into "ignore"');
    const map = { 'labelmap.txt': '# label:color_rgb:parts:actions\nb:0,0,255::\nr:255,0,0::\n' };
    expect((await openDataset(`masks:${await folderOf({ ...files, ...map })}`)).masks!.classes).toEqual([
      'b',
      'r',
    ]);
  });

  it('grey masks that were saved as colours are values; a palette may be read by its colours', async () => {
    const grey = {
      'images/a.png': picture(),
      'masks/a.png': colours([
        [0, 0, 0],
        [1, 1, 1],
      ]),
    };
    expect((await scanned({ ...grey, 'classes.json': classes(0, 1) })).found.map(({ key }) => key)).toEqual([
      0, 1,
    ]);
    const byColour = {
      classes: [
        { name: 'a', color: [128, 0, 0] },
        { name: 'b', color: [0, 0, 0] },
      ],
    };
    const dataset = await openDataset(
      `masks:${await folderOf({ 'images/a.png': picture(), 'masks/a.png': mask([0, 1]), 'classes.json': JSON.stringify(byColour) })}`,
    );
    const { data } = await readMask(dataset.masks!.source(0), dataset.masks!.table!);
    expect([...data.slice(0, 2)]).toEqual([1, 0]);
  });

  it('sizes that differ, and sides that are swapped', async () => {
    await expect(one([0, 1], classes(0, 1), 5)).rejects.toThrow(
      "a.png': a mask must have its image's size, 3 × 4 (height × width), got 3 × 5: resize the mask by the nearest pixel",
    );
    const turned = {
      'images/a.jpg': photo(4, 3, 6),
      'masks/a.png': mask([0, 1]),
      'classes.json': classes(0, 1),
    };
    await expect(scanned(turned)).rejects.toThrow('4 × 3 (height × width), got 3 × 4: the sides are swapped');
    const upright = { ...turned, 'masks/a.png': mask([0, 1], 3, 4) };
    expect((await scanned(upright)).problems).toEqual([]);
  });

  it('images without masks, masks without images', async () => {
    const notes: string[] = [];
    const files = {
      'images/a.png': picture(),
      'images/b.png': picture(),
      'masks/a.png': mask([0, 1]),
      'masks/c.png': mask([0, 1]),
      'masks/d.png': mask([0, 1]),
      'classes.json': classes(0, 1),
    };
    const folder = await folderOf(files);
    const dataset = await openDataset(`masks:${folder}`, { onNote: (note) => notes.push(note) });
    expect(dataset.length).toBe(1);
    expect(notes).toEqual([
      expect.stringContaining(
        "each image must have a mask of its name, got 1 image without a mask (such as 'b.png'): left out",
      ),
      expect.stringContaining(
        "each mask must have an image of its name, got 2 masks without an image (such as 'c.png'): left out",
      ),
    ]);
    const none = await folderOf({
      'images/a.png': picture(),
      'masks/b.png': mask([0]),
      'classes.json': classes(0),
    });
    await expect(openDataset(`masks:${none}`)).rejects.toThrow(
      /a mask must have the name of its image .*, got 'a\.png' in .* and 'b\.png' in .*, and no pair/,
    );
    expect((await verifySource(`masks:${folder}`))!.sound).toBe(false);
  });

  it('masks that cannot be read', async () => {
    const torn = mask([0, 1]).slice(0, 60);
    await expect(
      scanned({ 'images/a.png': picture(), 'masks/a.png': torn, 'classes.json': classes(0, 1) }),
    ).rejects.toThrow("a.png': a mask must be a whole PNG, got a damaged one");
    await expect(
      scanned({ 'images/a.png': picture(), 'masks/a.jpg': photo(), 'classes.json': classes(0, 1) }),
    ).rejects.toThrow("a.jpg': a mask must be a PNG, whose pixels are kept exactly, got another file");
  });

  it('without a table the values are listed, and a table to begin with', async () => {
    const folder = await folderOf({ 'images/a.png': picture(), 'masks/a.png': mask([0, 0, 255]) });
    await expect(openDataset(`masks:${folder}`)).rejects.toThrow(
      /the classes of masks must be listed in '.*classes\.json'/,
    );
    const { lines, rows, sound } = (await verifySource(`masks:${folder}`))!;
    expect(rows).toEqual([
      ['value', 'class', 'pixels', 'images'],
      ['0', '?', '66.67 %', '1'],
      ['255', '?', '33.33 %', '1'],
    ]);
    expect(sound).toBe(false);
    const table = lines[1]!.slice(lines[1]!.indexOf('{'));
    writeFileSync(join(folder, 'classes.json'), table);
    expect((await verifySource(`masks:${folder}`))!.sound).toBe(true);
  });
});

describe('classes.json', () => {
  const parsed = async (table: unknown) => {
    const files = { 'images/a.png': picture(), 'masks/a.png': mask([0, 1, 2, 9]) };
    const text = typeof table === 'string' ? table : JSON.stringify(table);
    return openDataset(`masks:${await folderOf({ ...files, 'classes.json': text })}`);
  };

  it('merges and ignores what it says', async () => {
    const merged = {
      classes: [
        { name: 'a', values: [0, 2] },
        { name: 'b', value: 1 },
      ],
      ignore: [9],
    };
    for (const table of [merged, { 0: 'a', 1: 'b', 2: 'a', ignore: [9] }]) {
      const { masks } = await parsed(table);
      const { data } = await readMask(masks!.source(0), masks!.table!);
      expect([...data.slice(0, 4)]).toEqual([0, 1, 0, 255]);
      expect(masks!.classes).toEqual(['a', 'b']);
    }
  });

  it.each([
    ['{', 'must be JSON, such as'],
    [[], 'the classes must be an object, got []'],
    [
      {
        classes: [
          { name: 'a', value: 0 },
          { name: 'a', value: 1 },
        ],
      },
      'a name must stand once',
    ],
    [
      {
        classes: [
          { name: 'a', value: 0 },
          { name: 'b', value: 0 },
        ],
      },
      'a value or colour must stand once',
    ],
    [{ classes: [{ name: 'a', value: 0 }], ignore: [0] }, 'a value or colour must stand once'],
    [{ classes: [{ name: 'a', value: -1 }] }, 'a value must be a whole number from 0 to 65535, got -1'],
    [{ classes: [{ name: 'a', color: [1, 2] }] }, 'a colour must be [red, green, blue]'],
    [{ classes: [{ name: 'a' }] }, 'a class must have a "value"'],
    [{ classes: [{ value: 1 }] }, 'a class must have a "name"'],
    [{ classes: [{ name: 'a', valeu: 1 }] }, 'a class has name, value, values, color, colors, got "valeu"'],
    [{ a: 0 }, 'the keys must be values and the entries names'],
    [{ classes: [] }, '"classes" must be a list'],
  ])('%j is refused', async (table, message) => {
    await expect(parsed(table)).rejects.toThrow(message as string);
  });
});

it('a copy has the same content, another mask or table another one', async () => {
  const files = { 'images/a.png': picture(), 'masks/a.png': mask([0, 1]), 'classes.json': classes(0, 1) };
  const digest = async (changed: object) =>
    (await openDataset(`masks:${await folderOf({ ...files, ...changed })}`)).content!.digest();
  const [one, copy, other, table] = await Promise.all([
    digest({}),
    digest({}),
    digest({ 'masks/a.png': mask([1, 0]) }),
    digest({ 'classes.json': classes(1, 0) }),
  ]);
  expect(copy).toBe(one);
  expect(new Set([one, other, table]).size).toBe(3);
});

it('masks that nobody touched are scanned once', async () => {
  const files = {
    'images/a.png': picture(),
    'masks/a.png': mask([0, 1]),
    'images/b.png': picture(),
    'masks/b.png': mask([0, 0, 1]),
    'classes.json': classes(0, 1),
  };
  const [folder, cache] = [await folderOf(files), join(root, 'cache')];
  let read = 0;
  const scan = async () => {
    read = 0;
    const dataset = await openDataset(`masks:${folder}`, { cache });
    return requireMasksOnce(dataset, { cache, onProgress: () => void read++ });
  };
  const first = await scan();
  expect([read, first.found.length]).toEqual([2, 2]);
  expect(await scan()).toEqual(first);
  expect(read).toBe(0);

  writeFileSync(join(folder, 'masks/b.png'), mask([0, 7, 1]));
  await expect(scan()).rejects.toThrow('7');
  writeFileSync(join(folder, 'masks/b.png'), mask([1, 1, 1]));
  expect((await scan()).found[0]!.key).toBe(1);
  expect(read).toBe(2);
  writeFileSync(join(folder, 'classes.json'), classes(1, 0));
  await scan();
  expect(read).toBe(2);

  const [kept] = readdirSync(digestFolder(cache)).filter((name) => name.startsWith('masks-'));
  writeFileSync(join(digestFolder(cache), kept!), '{"state"');
  expect((await scan()).images).toBe(2);
});
