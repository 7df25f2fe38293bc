import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { CocoEvaluation } from '../../detect/coco-evaluation.ts';
import { decodeRle, encodeRle } from '../../detect/rle.ts';
import { openDataset } from '../sources/open.ts';
import { cocoResults, parseCocoResults, trueObjects } from './results.ts';
import { requireBoxes } from './scan.ts';

const folder = temporaryFolder();
const zipped = (name: string) =>
  gunzipSync(readFileSync(`tests/fixtures/coco/coco100/${name}.json.gz`)).toString();

it('annotations, pictures and results as files give the scores of pycocotools', async () => {
  const text = zipped('instances_val2017');
  const { images } = JSON.parse(text) as {
    images: { file_name: string; width: number; height: number }[];
  };
  for (const name of ['annotations', 'val2017']) mkdirSync(join(folder, 'coco', name), { recursive: true });
  writeFileSync(join(folder, 'coco/annotations/instances_val2017.json'), text);
  await Promise.all(
    images.map(({ file_name, width, height }) =>
      sharp({ create: { width, height, channels: 3, background: '#888' } })
        .jpeg({ quality: 1 })
        .toFile(join(folder, 'coco/val2017', file_name)),
    ),
  );
  const dataset = await openDataset(`boxes:${join(folder, 'coco')}@val`);
  const { boxes, length } = dataset;
  const found = parseCocoResults(zipped('detections'), 'detections.json', boxes!, length);
  const expected = JSON.parse(readFileSync('tests/fixtures/coco/coco100/expected.json', 'utf8'));
  const sizes = new Map(images.map(({ file_name, width, height }) => [file_name, [height, width] as const]));
  const order = Array.from({ length }, (_, i) => i).sort(
    (a, b) => Number(boxes!.imageId!(a)) - Number(boxes!.imageId!(b)),
  );
  for (const [of, kind] of [
    ['boxes', 'bbox'],
    ['masks', 'segm'],
  ] as const) {
    const evaluation = new CocoEvaluation({ of, classes: boxes!.classes.length });
    for (const i of order) {
      const size = sizes.get(dataset.id(i))!;
      evaluation.add(trueObjects(boxes!.of(i, size), size, of === 'masks'), found.get(i) ?? []);
    }
    const { AR, classes, ...scores } = evaluation.scores();
    const all: Record<string, number> = { ...scores, AR1: AR[1]!, AR10: AR[10]!, AR100: AR[100]! };
    for (const [name, value] of Object.entries(expected[kind] as Record<string, number>))
      expect(Math.abs(all[name]! - value), `${kind} ${name}`).toBeLessThan(1e-12);
    expect(classes.length).toBe(80);
  }
});

it('true objects without a mask have that of their box where masks are compared', () => {
  const box = [1, 0, 3, 2] as const;
  const annotations = [
    { box, class: 0, crowd: true },
    { box, class: 0, area: 3 },
    { box, class: 0, segmentation: [[1, 0, 1, 2, 2, 2, 2, 0]] },
  ];
  const found = trueObjects(annotations, [3, 4], true);
  expect(found.map(({ mask, area, box }) => [[...decodeRle(mask!)].join(''), area, box])).toEqual([
    ['011001100000', 4, [1, 0, 2, 2]],
    ['011001100000', 3, [1, 0, 2, 2]],
    ['010001000000', 2, [1, 0, 2, 2]],
  ]);
  expect(trueObjects(annotations, [3, 4], false).map(({ area }) => area)).toEqual([4, 3, 2]);
});

it('crowds without a mask are compared as masks by their boxes: the scores of pycocotools', async () => {
  const { truth, found, scores } = JSON.parse(
    gunzipSync(readFileSync('tests/fixtures/coco/crowds.json.gz')).toString(),
  );
  const place = join(folder, 'crowds');
  for (const name of ['annotations', 'images']) mkdirSync(join(place, name), { recursive: true });
  writeFileSync(join(place, 'annotations/instances.json'), JSON.stringify(truth));
  const images = truth.images as { file_name: string; width: number; height: number }[];
  for (const { file_name, width, height } of images)
    await sharp({ create: { width, height, channels: 3, background: '#888' } }).toFile(
      join(place, 'images', file_name),
    );
  const crowds = truth.annotations.filter(({ iscrowd }: { iscrowd: number }) => iscrowd === 1);
  expect(crowds.length).toBeGreaterThan(8);
  const dataset = await openDataset(`boxes:${place}`);
  const scan = await requireBoxes(dataset);
  expect(scan.crowds).toBe(crowds.length);
  expect(scan.masks).toBe(scan.objects); // masks are learned and judged
  const results = parseCocoResults(JSON.stringify(found), 'found.json', dataset.boxes!, dataset.length);
  for (const [of, kind] of [
    ['boxes', 'bbox'],
    ['masks', 'segm'],
  ] as const) {
    const evaluation = new CocoEvaluation({ of, classes: 2 });
    for (let i = 0; i < dataset.length; i++) {
      const { width, height } = images.find(({ file_name }) => file_name === dataset.id(i))!;
      const size = [height, width] as const;
      evaluation.add(trueObjects(dataset.boxes!.of(i, size), size, of === 'masks'), results.get(i) ?? []);
    }
    const { AR, classes, ...others } = evaluation.scores();
    const all: Record<string, number> = { ...others, AR1: AR[1]!, AR10: AR[10]!, AR100: AR[100]! };
    const { classes: each, ...expected } = scores[kind];
    for (const [name, value] of Object.entries(expected as Record<string, number>))
      if (all[name] !== undefined)
        expect(Math.abs(all[name]! - value), `${kind} ${name}`).toBeLessThan(1e-12);
    each.forEach((value: number, k: number) => {
      expect(Math.abs(classes[k]! - value), `${kind} class ${k}`).toBeLessThan(1e-12);
    });
  }
});

const mask = encodeRle([0, 1, 1, 0, 1, 1], [2, 3]);
const objects = [
  { box: [1, 0, 3, 2], class: 1, score: 0.75, mask },
  { box: [0.5, 0.25, 2, 1.5], class: 0, score: 1 },
] as const;

it('results are written with the ids of the annotations, and read back', () => {
  const boxes = { classes: ['a', 'b'], classIds: [3, 90], imageId: (i: number) => 1000 + i, of: () => [] };
  const written = [...cocoResults(0, objects, boxes), ...cocoResults(4, objects.slice(1), boxes)];
  expect(written[0]).toEqual({
    image_id: 1000,
    category_id: 90,
    bbox: [1, 0, 2, 2],
    score: 0.75,
    segmentation: { size: [2, 3], counts: '24' },
  });
  const read = parseCocoResults(JSON.stringify(written), 'results.json', boxes, 5);
  expect([...read.keys()]).toEqual([0, 4]);
  expect(read.get(0)![0]).toEqual({ class: 1, score: 0.75, box: [1, 0, 2, 2], mask });
  expect(read.get(4)).toEqual([{ class: 0, score: 1, box: [0.5, 0.25, 1.5, 1.25] }]);
  expect(cocoResults(4, objects)[0]).toMatchObject({ image_id: 5, category_id: 2 });
});

it.each([
  ['{}', 'a list of found objects, got an object'],
  ['[1', "must be COCO's JSON of results: "],
  ['[{"image_id": 7}]', 'result 1: image_id must be the id of an annotated image, got 7'],
  ['[{"image_id": 1, "category_id": 3}]', 'category_id must be the id of a category, got 3'],
  [
    '[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}]',
    'the score must be a finite number, got nothing',
  ],
  [
    '[{"image_id": 1, "category_id": 1, "score": 1, "bbox": [0, 0, -1, 1]}]',
    'finite numbers, got [0, 0, -1, 1]',
  ],
  ['[{"image_id": 1, "category_id": 1, "score": 1}]', 'must have a bbox or a segmentation, got neither'],
  [
    '[{"image_id": 1, "category_id": 1, "score": 1, "segmentation": [[0, 0, 1, 1, 2, 2]]}]',
    'must be run lengths with their size, got outlines',
  ],
])('results %s are refused', (text, message) => {
  const boxes = { classes: ['a'], of: () => [] };
  expect(() => parseCocoResults(text, 'x.json', boxes, 2)).toThrow(message);
});
