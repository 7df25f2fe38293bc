import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { decodeRle } from '../../detect/rle.ts';
import { openDataset, testSetOf, verifySource } from '../sources/open.ts';
import { requireBoxes, scanBoxes } from './scan.ts';
import { objectMask } from './segmentation.ts';

const root = temporaryFolder();
let folders = 0;

type Files = Record<string, string | object | Promise<Uint8Array>>;

/** A folder with files of the given contents; objects become JSON. */
async function folderOf(files: Files) {
  const folder = join(root, `set ${folders++}`);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const awaited = await content;
    const bytes = awaited instanceof Uint8Array || typeof awaited === 'string';
    writeFileSync(join(folder, name), bytes ? awaited : JSON.stringify(awaited));
  }
  return folder;
}

const photo = (width = 40, height = 30, orientation = 1) =>
  sharp({ create: { width, height, channels: 3, background: '#336699' } })
    .withMetadata({ orientation })
    .jpeg()
    .toBuffer();

const image = (id: number | string, file_name: string, more: object = { width: 40, height: 30 }) => ({
  id,
  file_name,
  ...more,
});
const annotation = (image_id: number | string, more: object = {}) => ({
  id: 1,
  image_id,
  category_id: 7,
  bbox: [1, 2, 10, 20],
  ...more,
});
const coco = (images: object[], annotations: object[], categories: object[] = [{ id: 7, name: 'cat' }]) => ({
  images,
  annotations,
  categories,
});
const one = coco([image(1, 'a.jpg')], [annotation(1)]);
const xml = (objects: string, size = '<size><width>40</width><height>30</height></size>') =>
  `<annotation><filename>x.jpg</filename>${size}${objects}</annotation>`;
const object = (name: string, edges: number[], more = '') =>
  `<object><name>${name}</name>${more}<bndbox><xmin>${edges[0]}</xmin><ymin>${edges[1]}</ymin><xmax>${edges[2]}</xmax><ymax>${edges[3]}</ymax></bndbox></object>`;

const open = async (files: Files, end = '') => openDataset(`boxes:${await folderOf(files)}${end}`);
const ids = ({ length, id }: { length: number; id(i: number): string }) =>
  Array.from({ length }, (_, i) => id(i));

describe('layouts', () => {
  const cat = { class: 0, box: [1, 2, 11, 22] };
  const layouts: Record<string, [Files, string[]]> = {
    "COCO's own": [
      {
        'annotations/instances_train2017.json': one,
        'train2017/a.jpg': photo(),
        'annotations/captions_val2017.json': {},
      },
      ['a.jpg'],
    ],
    'images by part': [{ 'annotations/instances_train.json': one, 'images/train/a.jpg': photo() }, ['a.jpg']],
    'a file in each part (Roboflow)': [
      { 'train/_annotations.coco.json': one, 'train/a.jpg': photo(), 'README.txt': 'x' },
      ['a.jpg'],
    ],
    'one file beside images': [
      { 'annotations.json': one, 'images/a.jpg': photo(), 'classes.json': {} },
      ['a.jpg'],
    ],
    "CVAT's and others' parts": [
      { 'annotations/instances_default.json': one, 'images/default/a.jpg': photo() },
      ['a.jpg'],
    ],
    'folders that the names do not say': [{ 'result.json': one, 'images/x/y/a.jpg': photo() }, ['x/y/a.jpg']],
    'LVIS, whose images have addresses': [
      {
        'annotations/lvis_v1_val.json': coco(
          [{ id: 1, coco_url: 'http://images.cocodataset.org/val2017/a.jpg', width: 40, height: 30 }],
          [annotation(1)],
        ),
        'val2017/a.jpg': photo(),
      },
      ['val2017/a.jpg'],
    ],
    'files with a mark of their byte order': [
      { 'instances.json': `\uFEFF${JSON.stringify(one)}`, 'images/a.jpg': photo() },
      ['a.jpg'],
    ],
    'names with folders': [
      { 'instances.json': coco([image(1, 'x\\a.jpg')], [annotation(1)]), 'images/x/a.jpg': photo() },
      ['x/a.jpg'],
    ],
    'names of other folders': [
      { 'train.json': coco([image(1, '/home/me/a.jpg')], [annotation(1)]), 'train/a.jpg': photo() },
      ['a.jpg'],
    ],
    'PASCAL VOC': [
      {
        'Annotations/a.xml': xml(object('cat', [2, 3, 11, 22])),
        'Annotations/b.xml': xml(object('cat', [1, 1, 2, 2])),
        'JPEGImages/a.jpg': photo(),
        'JPEGImages/b.jpg': photo(),
        'ImageSets/Main/train.txt': 'a\n',
        'ImageSets/Main/val.txt': 'b\n',
      },
      ['a.jpg'],
    ],
    'XML beside images': [
      { 'train/a.xml': xml(object('cat', [2, 3, 11, 22])), 'train/a.jpg': photo() },
      ['a.jpg'],
    ],
    YOLO: [
      {
        'labels/train2017/a.txt': '0 0.15 0.4 0.25 0.6666666666666667\n',
        'images/train2017/a.jpg': photo(),
        'data.yaml': 'path: ../x\ntrain: images/train2017\nnames:\n  0: cat\n',
      },
      ['a.jpg'],
    ],
    'YOLO by part (Roboflow)': [
      {
        'train/labels/a.txt': '0 0.15 0.4 0.25 0.6666666666666667\n',
        'train/images/a.jpg': photo(),
        'data.yaml': "nc: 1\nnames: ['cat']\n",
      },
      ['a.jpg'],
    ],
    'YOLO beside images': [
      {
        'a.txt': '0 0.15 0.4 0.25 0.6666666666666667',
        'a.jpg': photo(),
        'obj.names': 'cat\n',
      },
      ['a.jpg'],
    ],
  };
  it.each(Object.entries(layouts))('%s', async (_, [files, names]) => {
    const { boxes, ...dataset } = await open(files);
    expect(ids(dataset)).toEqual(names);
    expect(boxes!.classes).toEqual(['cat']);
    const [found, ...others] = boxes!.of(0, [30, 40]);
    expect(others).toEqual([]);
    expect(found!.class).toBe(cat.class);
    for (const [i, edge] of found!.box.entries()) expect(edge).toBeCloseTo(cat.box[i]!, 10);
  });

  it('parts have the same classes and are named with @', async () => {
    const folder = await folderOf({
      'labels/train/a.txt': '1 0.5 0.5 1 1',
      'images/train/a.jpg': photo(),
      'images/val/b.jpg': photo(),
      'labels/val/b.txt': '',
      'classes.txt': 'dog\ncat\n',
    });
    expect(testSetOf(`boxes:${folder}`)).toBe(`boxes:${folder}@val`);
    expect(testSetOf(`boxes:${folder}@val`)).toBeUndefined();
    const val = await openDataset(`boxes:${folder}@val`);
    expect([val.boxes!.classes, val.boxes!.of(0, [30, 40])]).toEqual([['dog', 'cat'], []]);
    await expect(openDataset(`boxes:${folder}@test`)).rejects.toThrow(
      'must hold the part test, got train, val',
    );
    const voc = await folderOf({
      'Annotations/train/a.xml': xml(object('dog', [1, 1, 2, 2])),
      'images/train/a.jpg': photo(),
      'Annotations/val/b.xml': xml(object('cat', [1, 1, 2, 2])),
      'images/val/b.jpg': photo(),
    });
    expect((await openDataset(`boxes:${voc}`)).boxes!.classes).toEqual(['cat', 'dog']);
    expect((await openDataset(`boxes:${voc}@val`)).boxes!.of(0, [30, 40])[0]!.class).toBe(0);
  });

  it('an image is found by its path, and by the end of one, never by its name alone', async () => {
    const three = coco(
      [image(1, 'a/1.jpg'), image(2, 'b/1.jpg'), image(3, '/home/me/images/c/1.jpg')],
      [annotation(1), annotation(2), annotation(3)],
    );
    const notes: string[] = [];
    const folder = await folderOf({
      'instances.json': three,
      'images/b/1.jpg': photo(),
      'images/c/1.jpg': photo(),
    });
    const { length, id, boxes } = await openDataset(`boxes:${folder}`, {
      onNote: (note) => notes.push(note),
    });
    expect(ids({ length, id })).toEqual(['b/1.jpg', 'c/1.jpg']);
    expect([0, 1].map((i) => boxes!.imageId!(i))).toEqual([2, 3]);
    expect(notes.join()).toContain("1 image (such as 'a/1.jpg') that the annotations name");
    const flat = await folderOf({ 'instances.json': three, 'images/1.jpg': photo() });
    await expect(openDataset(`boxes:${flat}`)).rejects.toThrow(
      "an image must be annotated once, got 'a/1.jpg' and 'b/1.jpg' for '1.jpg'",
    );
  });

  it('other annotations of the same images are other data', async () => {
    const folder = await folderOf({ 'instances.json': one, 'images/a.jpg': photo() });
    const before = await openDataset(`boxes:${folder}`);
    const again = await openDataset(`boxes:${folder}`);
    writeFileSync(join(folder, 'instances.json'), JSON.stringify(one).replace('10,20', '10,21'));
    const after = await openDataset(`boxes:${folder}`);
    const keys = async ({ contentKey, content }: typeof before) => [
      contentKey,
      content!.outline,
      await content!.digest(),
    ];
    expect(await keys(again)).toEqual(await keys(before));
    for (const [i, key] of (await keys(after)).entries()) expect(key).not.toBe((await keys(before))[i]);
  });

  it('annotations and images at two places', async () => {
    const folder = await folderOf({ 'x/mine.json': one, 'elsewhere/pictures/a.jpg': photo() });
    const { length, boxes } = await openDataset(`boxes:${folder}/x/mine.json,${folder}/elsewhere/pictures`);
    expect([length, boxes!.of(0, [30, 40]).length]).toEqual([1, 1]);
    await expect(openDataset(`boxes:${folder}/x/mine.json`)).rejects.toThrow("got 'a.jpg' in none of");
    await expect(openDataset(`boxes:${folder}/x/mine.json,nowhere`)).rejects.toThrow(
      "must exist, got 'nowhere'",
    );
    await expect(openDataset(`boxes:${folder}/x`)).rejects.toThrow('images with boxes must lie in');
  });

  it('images and annotations without the other are left out, which notes say', async () => {
    const notes: string[] = [];
    const folder = await folderOf({
      'instances.json': coco([image(1, 'a.jpg'), image(2, 'gone.jpg')], [annotation(1), annotation(99)]),
      'images/a.jpg': photo(),
      'images/b.jpg': photo(),
    });
    const dataset = await openDataset(`boxes:${folder}`, { onNote: (note) => notes.push(note) });
    expect(ids(dataset)).toEqual(['a.jpg']);
    expect(notes).toEqual([
      '1 annotation of images that are not listed: left out',
      "1 image (such as 'b.jpg') without annotations: left out",
      `1 image (such as 'gone.jpg') that the annotations name and '${folder}/images' has not: left out`,
    ]);
  });
});

describe('what others stumble over', () => {
  it('ids with gaps and in any order are classes 0, 1, … inside, and stay ids outside', async () => {
    const categories = [
      { id: 90, name: 'toothbrush' },
      { id: 1, name: 'person' },
      { id: 13, name: 'stop sign' },
    ];
    const images = [image(700, 'b.jpg'), image(3, 'a.jpg')];
    const annotations = [annotation(700, { category_id: 90 }), annotation(3, { category_id: 13 })];
    const { boxes } = await open({
      'instances.json': coco(images, annotations, categories),
      'images/a.jpg': photo(),
      'images/b.jpg': photo(),
    });
    expect(boxes!.classes).toEqual(['person', 'stop sign', 'toothbrush']);
    expect(boxes!.classIds).toEqual([1, 13, 90]);
    expect([0, 1].map((i) => [boxes!.imageId!(i), boxes!.of(i, [30, 40])[0]!.class])).toEqual([
      [3, 1],
      [700, 2],
    ]);
  });

  it('a missing iscrowd is 0; a missing bbox is that of the mask; a missing area is no fault', async () => {
    const outline = [[1, 2, 11, 2, 11, 22, 1, 22]];
    const { boxes } = await open({
      'instances.json': coco(
        [image(1, 'a.jpg')],
        [
          annotation(1),
          annotation(1, { iscrowd: 1, area: 12.5, segmentation: { size: [30, 40], counts: [0, 1200] } }),
          annotation(1, { bbox: undefined, segmentation: outline }),
          annotation(1, { bbox: undefined, segmentation: { size: [30, 40], counts: [32, 20, 1148] } }),
          annotation(1, { segmentation: [] }),
        ],
      ),
      'images/a.jpg': photo(),
    });
    const found = boxes!.of(0, [30, 40]);
    expect(found.map(({ crowd = false, area }) => [crowd, area])).toEqual([
      [false, undefined],
      [true, 12.5],
      [false, undefined],
      [false, undefined],
      [false, undefined],
    ]);
    expect(found.map(({ box }) => box).slice(2)).toEqual([
      [1, 2, 11, 22],
      [1, 2, 2, 22],
      [1, 2, 11, 22],
    ]);
  });

  it('masks in all three forms are the same pixels', async () => {
    const forms = [
      [[1, 2, 11, 2, 11, 22, 1, 22]],
      { size: [30, 40], counts: [32, ...Array.from({ length: 9 }, () => [20, 10]).flat(), 20, 878] },
      { size: [30, 40], counts: 'P1d0:00000000000000000Tk0' },
      [1, 2, 11, 2, 11, 22, 1, 22],
    ];
    const { boxes } = await open({
      'instances.json': coco(
        [image(1, 'a.jpg')],
        forms.map((segmentation) => annotation(1, { segmentation })),
      ),
      'images/a.jpg': photo(),
    });
    const masks = boxes!
      .of(0, [30, 40])
      .map(({ segmentation }) => decodeRle(objectMask(segmentation!, [30, 40])));
    for (const mask of masks) expect(mask).toEqual(masks[0]);
    expect(masks[0]!.reduce((a, b) => a + b)).toBe(200);
  });

  it('sizes are those of the upright picture: turned ones are accepted, swapped ones are named', async () => {
    const upright = await open({
      'instances.json': coco([image(1, 'a.jpg', { width: 30, height: 40 })], [annotation(1)]),
      'images/a.jpg': photo(40, 30, 6),
    });
    expect((await requireBoxes(upright)).objects).toBe(1);
    for (const files of [
      { 'instances.json': coco([image(1, 'a.jpg')], [annotation(1)]), 'images/a.jpg': photo(40, 30, 6) },
      { 'Annotations/a.xml': xml(object('cat', [1, 1, 5, 5])), 'JPEGImages/a.jpg': photo(40, 30, 8) },
    ])
      await expect(requireBoxes(await open(files))).rejects.toThrow(
        'annotations must state the size of the upright picture, 40 × 30 (height × width), got 30 × 40: the sides are swapped',
      );
    await expect(
      requireBoxes(await open({ 'instances.json': one, 'images/a.jpg': photo(80, 60) })),
    ).rejects.toThrow('got 30 × 40: the boxes are those of another picture or size');
  });

  it("VOC's boxes begin at 1, difficult objects need not be found, parts of objects are none", async () => {
    const part = `<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>`;
    const { boxes } = await open({
      'Annotations/a.xml': `<?xml version="1.0"?><!-- by hand -->${xml(
        object('a &amp; b', [1, 1, 40, 30], '<difficult>1</difficult>').replace(
          '</object>',
          `${part}</object>`,
        ) + object('<![CDATA[c]]>', [2, 3, 4, 5]),
        '<size><width>0</width><height>0</height></size>',
      )}`,
      'JPEGImages/a.jpg': photo(),
    });
    expect(boxes!.classes).toEqual(['a & b', 'c']);
    expect(boxes!.of(0, [30, 40])).toEqual([
      { box: [0, 0, 40, 30], class: 0, ignore: true },
      { box: [1, 2, 4, 5], class: 1 },
    ]);
  });

  it("YOLO's outlines may have any number of points", async () => {
    const points = Array.from(
      { length: 150_000 },
      (_, i) => `0.${1 + (i % 8)} 0.${1 + (Math.floor(i / 3) % 8)}`,
    );
    const { boxes } = await open({
      'labels/a.txt': `0 ${points.join(' ')}`,
      'images/a.jpg': photo(),
      'classes.txt': 'cat',
    });
    expect(boxes!.of(0, [10, 10])[0]!.box).toEqual([1, 1, 8, 8]);
  });

  it("YOLO's outlines are masks, and shares of the picture as it is", async () => {
    const { boxes } = await open({
      'labels/a.txt': '0 0.1 0.1 0.5 0.1 0.5 0.5\n\n0 1e-1 0.5 0.2 1.0\r\n',
      'images/a.jpg': photo(),
      'labels/classes.txt': 'cat',
      'images/empty.jpg': photo(),
    });
    const [first, second] = boxes!.of(0, [100, 200]);
    expect(first!.box).toEqual([20, 10, 100, 50]);
    expect(objectMask(first!.segmentation!, [100, 200]).size).toEqual([100, 200]);
    expect(second!.box).toEqual([0, 0, 40, 100]);
    expect(boxes!.of(1, [30, 40])).toEqual([]);
  });
});

describe('annotations that cannot be used give an error with the remedy', () => {
  const json = (annotations: object[], images = [image(1, 'a.jpg')], categories?: object[]): Files => ({
    'instances.json': coco(images, annotations, categories),
    'images/a.jpg': photo(),
  });
  const voc = (content: string): Files => ({ 'Annotations/a.xml': content, 'JPEGImages/a.jpg': photo() });
  const yolo = (line: string, names = 'cat\n'): Files => ({
    'labels/a.txt': line,
    'images/a.jpg': photo(),
    'classes.txt': names,
  });
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  const cases: [string, Files, string][] = [
    [
      'corners as bbox',
      json([annotation(1, { bbox: [11, 22, -1, 2] })]),
      'must not be negative, got [11, 22, -1, 2]: it is [x, y, width, height], and no two corners',
    ],
    [
      'boxes that are no numbers',
      json([annotation(1, { bbox: [1, null, 3, 4] })]),
      'must be [x, y, width, height] of finite numbers, got [1, null, 3, 4]',
    ],
    ['three numbers', json([annotation(1, { bbox: [1, 2, 3] })]), 'got [1, 2, 3]'],
    [
      'neither box nor mask',
      json([annotation(1, { bbox: undefined })]),
      'must have a bbox or a segmentation',
    ],
    [
      'an unknown category',
      json([annotation(1, { category_id: 8 })]),
      'category_id must be the id of a category, got 8: list the category',
    ],
    ['a category as text', json([annotation(1, { category_id: '7' })]), "got '7'"],
    [
      'no image',
      json([annotation(1, { image_id: undefined })]),
      'image_id must be the id of an image, got nothing',
    ],
    [
      'repeated ids of images',
      json([annotation(1)], [image(1, 'a.jpg'), image(1, 'b.jpg')]),
      'the id of an image must stand once, got 1',
    ],
    [
      'repeated ids of categories',
      json([annotation(1)], undefined, [
        { id: 7, name: 'a' },
        { id: 7, name: 'b' },
      ]),
      'the id of a category must stand once, got 7',
    ],
    [
      'negative sizes',
      json([annotation(1)], [image(1, 'a.jpg', { width: -40, height: 30 })]),
      'width and height must be whole pixels of at least 1, got [-40, 30]',
    ],
    ['a crowd of 2', json([annotation(1, { iscrowd: 2 })]), 'iscrowd must be 0 or 1, got 2'],
    ['a negative area', json([annotation(1, { area: -1 })]), 'area must be a number of pixels, got -1'],
    [
      'masks of another size',
      json([annotation(1, { segmentation: { size: [40, 30], counts: [1200] } })]),
      "a mask must have its image's size, 30 × 40 (height × width), got 40 × 30: the sides are swapped",
    ],
    [
      'masks without counts',
      json([annotation(1, { segmentation: { size: [30, 40] } })]),
      'counts of run lengths must be a list or text, got nothing',
    ],
    [
      'outlines of an odd length',
      json([annotation(1, { segmentation: [[1, 2, 3, 4, 5, 6, 7]] })]),
      'an outline must be [x, y, x, y, …]',
    ],
    [
      'a list of results',
      { ...json([]), 'instances.json': [{ image_id: 1 }] },
      'a list alone is that of results',
    ],
    [
      'other JSON',
      { ...json([]), 'instances.json': { images: [] } },
      'with the lists "images", "categories" and "annotations", got nothing for "categories"',
    ],
    ['no JSON', { ...json([]), 'instances.json': '{"images": [' }, "must be COCO's JSON: "],
    [
      'deep JSON',
      { ...json([]), 'instances.json': `{"images": [], "categories": [], "annotations": [${deep}]}` },
      'an annotation must be an object, got a list of 1',
    ],
    ['XML that is cut off', voc('<annotation><object>'), 'the XML must be well-formed, got a fault at'],
    ['other XML', voc('<html></html>'), "must be PASCAL VOC's <annotation>, got <html>"],
    [
      'own entities',
      voc(`<!DOCTYPE a [<!ENTITY x "yyyy">]>${xml(object('&x;', [1, 1, 2, 2]))}`),
      'the XML must be well-formed',
    ],
    [
      'XML without a box',
      voc(xml('<object><name>cat</name></object>')),
      "object 1 ('cat') must have a <bndbox>",
    ],
    [
      'XML with a turned box',
      voc(xml(object('cat', [9, 1, 2, 2]))),
      'xmin ≤ xmax and ymin ≤ ymax, got [9, 1, 2, 2]',
    ],
    [
      'pixels as shares',
      yolo('0 20 15 10 10'),
      "must be shares of the picture's sides, from 0 to 1, got '20'",
    ],
    [
      'a class that is not listed',
      yolo('1 0.5 0.5 0.1 0.1'),
      "line 1: the class must be a whole number from 0 to 0, got '1'",
    ],
    [
      'a score at the end',
      yolo('0 0.5 0.5 0.1 0.1 0.9'),
      'must have 5 numbers (class, centre, width, height) or a class and an outline, got 6',
    ],
    ['words', yolo('cat 0.5 0.5 0.1 0.1'), "got 'cat'"],
    [
      'no list of classes',
      { 'labels/a.txt': '0 0.5 0.5 1 1', 'images/a.jpg': photo() },
      'must be listed beside them, in data.yaml',
    ],
    [
      'names that are no list',
      { 'labels/a.txt': '0 0.5 0.5 1 1', 'images/a.jpg': photo(), 'data.yaml': 'names: {1: a, 3: b}' },
      '"names" must be a list',
    ],
    [
      'broken YAML',
      { 'labels/a.txt': '', 'images/a.jpg': photo(), 'data.yaml': 'names: [a' },
      'must be YAML',
    ],
    ['no pair', { 'instances.json': one, 'images/b.jpg': photo() }, "and 'b.jpg' there, and no pair"],
  ];
  it.each(cases)('%s', async (_, files, message) => {
    const error = await open(files).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(error?.name).toBe('DataError');
    expect(error?.message).toContain(message);
    expect(error?.message).not.toContain('\n');
    expect(error!.message.length).toBeLessThan(600);
  });

  it('counts further faults, and data verify lists them', async () => {
    const folder = await folderOf(
      json([annotation(1, { bbox: [0, 0, -1, 1] }), annotation(1, { iscrowd: 7 })]),
    );
    await expect(openDataset(`boxes:${folder}`)).rejects.toThrow(
      '(and 1 other fault: `data verify` lists them)',
    );
    const verified = await verifySource(`boxes:${folder}`);
    expect(verified?.sound).toBe(false);
    expect(verified?.lines.join('\n')).toMatch(/must not be negative[\s\S]*iscrowd must be 0 or 1/);
  });
});

describe('the scan before the first step', () => {
  const scanned = async (annotations: object[], sizes?: object) =>
    scanBoxes(
      await open({
        'instances.json': coco([image(1, 'a.jpg', sizes)], annotations),
        'images/a.jpg': photo(),
      }),
    );

  it('counts objects by class and size', async () => {
    const scan = await scanned([
      annotation(1),
      annotation(1, { area: 5000, segmentation: [[1, 2, 11, 2, 11, 22]] }),
      annotation(1, { iscrowd: 1, segmentation: { size: [30, 40], counts: [1200] } }),
      annotation(1, { ignore: 1 }),
      annotation(1, { bbox: [5, 5, 0, 3] }),
      annotation(1, { bbox: [35, 25, 20, 3] }),
    ]);
    expect(scan).toMatchObject({
      objects: 3,
      crowds: 1,
      ignored: 1,
      masks: 1,
      flat: 1,
      outside: 1,
      most: 3,
      empty: 0,
    });
    expect(scan.classes).toEqual([{ name: 'cat', objects: 3, images: 1, small: 2, medium: 1, large: 0 }]);
  });

  it.each([
    ['no object', [], 'must hold an object to learn from, got none'],
    [
      'shares in place of pixels',
      [annotation(1, { bbox: [0.1, 0.2, 0.3, 0.4] })],
      'boxes must be in pixels, got none beyond 1',
    ],
    [
      'corners in place of sides',
      [annotation(1, { bbox: [20, 10, 38, 28] })],
      "that reach beyond: COCO's are [x, y, width, height]",
    ],
    [
      'damaged masks',
      [annotation(1, { segmentation: { size: [30, 40], counts: 'zzz' } })],
      'characters "0" to "o"',
    ],
    [
      'masks that are too short',
      [annotation(1, { segmentation: { size: [30, 40], counts: [5] } })],
      'must fill its 30 × 40',
    ],
    ['endless outlines', [annotation(1, { segmentation: [[0, 0, 1e12, 0, 1, 1]] })], 'pixels long at most'],
  ])('%s is a problem', async (_, annotations, message) => {
    const { problems } = await scanned(annotations);
    expect(problems.join()).toContain(message);
  });
});
