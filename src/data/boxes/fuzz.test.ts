import { expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { decodeRle, encodeRle } from '../../detect/rle.ts';
import { rleToText } from '../../detect/rle-text.ts';
import { type Rng, rng } from '../../random/rng.ts';
import type { Size } from '../decode/crop.ts';
import { largeScaleJitter } from '../decode/large-scale-jitter.ts';
import { DataError } from '../error.ts';
import { viewObjects } from '../load/object-view.ts';
import type { BoxAnnotation } from '../sources/annotations.ts';
import { parseCoco } from './coco.ts';
import { parseCocoResults } from './results.ts';
import { objectMask } from './segmentation.ts';
import { parseVoc } from './voc.ts';
import { parseYolo } from './yolo.ts';

const SIZE: Size = [30, 40];

const disc = encodeRle(
  Uint8Array.from({ length: 1200 }, (_, i) =>
    Number(((i % 40) - 20) ** 2 + (Math.floor(i / 40) - 15) ** 2 < 90),
  ),
  SIZE,
);
const coco = {
  images: [
    { id: 4, file_name: 'a.jpg', width: 40, height: 30 },
    { id: 9, file_name: 'b.jpg' },
  ],
  categories: [
    { id: 7, name: 'cat' },
    { id: 3, name: 'dog' },
  ],
  annotations: [
    {
      id: 1,
      image_id: 4,
      category_id: 7,
      bbox: [1, 2, 10, 20],
      area: 100,
      iscrowd: 0,
      segmentation: [[1, 2, 11, 2, 11, 22]],
    },
    {
      id: 2,
      image_id: 4,
      category_id: 3,
      bbox: [1.5, 2, 3, 4],
      iscrowd: 1,
      segmentation: { size: SIZE, counts: [...disc.counts] },
    },
    { id: 3, image_id: 9, category_id: 3, segmentation: { size: SIZE, counts: rleToText(disc) } },
    {
      id: 4,
      image_id: 9,
      category_id: 7,
      segmentation: [
        [1, 2, 11, 2, 11, 22],
        [20, 5, 30, 5, 25, 20],
      ],
    },
  ],
};
const results = [
  { image_id: 4, category_id: 7, bbox: [1, 2, 10, 20], score: 0.5 },
  { image_id: 9, category_id: 3, score: 0.25, segmentation: { size: SIZE, counts: rleToText(disc) } },
];
const xml = `<?xml version="1.0"?><annotation><size><width>40</width><height>30</height></size><object><name>cat</name>
<difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>12</xmax><ymax>13</ymax></bndbox></object></annotation>`;
const yolo = '0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.9 0.1 0.5 0.8\n';

const hostile: readonly ((random: Rng) => unknown)[] = [
  () => Number.NaN,
  () => -1,
  () => 0,
  () => 1e308,
  () => 2 ** 31 + 1,
  () => 1e12,
  () => 0.5,
  (random) => random.int(40),
  (random) => random.uniform(-5, 50),
  (random) => [random.int(20), random.int(15), random.int(20), random.int(15)],
  () => null,
  () => true,
  () => '',
  () => '7',
  () => '__proto__',
  () => 'o'.repeat(5000),
  () => [],
  () => ({}),
  () => [[]],
  (random) => Array.from({ length: random.int(400) }, () => random.int(200) - 50),
  () => [1e9, 1e9, -1e9, 1e9, 5, -1e9],
  () => ({ size: [1e6, 1e6], counts: [1e12] }),
  () => ({ size: [30, 40], counts: Array(2000).fill(1) }),
  () => ({ size: [30, 40], counts: `${'0'.repeat(2000)}` }),
  () => ({ size: [-30, 40], counts: [1200] }),
  (random) => {
    let deep: unknown = 1;
    for (let n = random.int(300); n > 0; n--) deep = [deep];
    return deep;
  },
];

/** Changes one value of a document, anywhere in it: another one, another key's, none, twice. */
function mutate(document: unknown, random: Rng): unknown {
  const copy: unknown = structuredClone(document);
  const places: [container: Record<string, unknown>, key: string][] = [];
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value).slice(0, 7)) {
      places.push([value as Record<string, unknown>, key]);
      if (places.length < 2000) visit((value as Record<string, unknown>)[key]);
    }
  };
  visit(copy);
  if (places.length === 0) return copy;
  const [container, key] = places[random.int(places.length)]!;
  const other = places[random.int(places.length)]!;
  const kind = random.int(8);
  if (kind === 0) delete container[key];
  else if (kind === 1) container[key] = structuredClone(other[0][other[1]]);
  else if (kind === 2 && Array.isArray(container)) container.push(structuredClone(container[Number(key)]));
  else if (kind === 3 && Array.isArray(container)) container.splice(Number(key), 1);
  else container[key] = hostile[random.int(hostile.length)]!(random);
  return copy;
}

/** Changes characters of a text, cuts it or repeats a part. */
function garble(text: string, random: Rng): string {
  const at = random.int(text.length + 1);
  const kind = random.int(5);
  if (kind === 0) return text.slice(0, at);
  if (kind === 1) return text.slice(0, at) + text.slice(random.int(text.length + 1));
  if (kind === 2) return text.slice(0, at) + text.slice(at, at + 40).repeat(random.int(50)) + text.slice(at);
  const odd = [
    '<',
    '>',
    '&',
    '&a;',
    '"',
    '\0',
    '\ud800',
    '-',
    '1e999',
    'NaN',
    '9'.repeat(400),
    '<a>'.repeat(3000),
    '<!DOCTYPE a [<!ENTITY b "b">]>',
    '{',
    ']',
    '\n',
    ' ',
  ];
  return text.slice(0, at) + odd[random.int(odd.length)]! + text.slice(at + random.int(3));
}

/** Uses objects as training does. Every number must be usable, and every mask fill its image. */
function use(objects: readonly BoxAnnotation[], classes: number, random: Rng, note: string) {
  for (const { box, class: of, area = 0, segmentation } of objects) {
    expect(box.every(Number.isFinite) && box[2] >= box[0] && box[3] >= box[1], note).toBe(true);
    expect(Number.isInteger(of) && of >= 0 && of < classes && area >= 0, note).toBe(true);
    if (segmentation) expect(decodeRle(objectMask(segmentation, SIZE)).length, note).toBe(1200);
  }
  const crop = largeScaleJitter()(random, SIZE, [24, 32]);
  const { boxes } = viewObjects(objects, { image: SIZE, crop }, { masks: true });
  expect(boxes.every(Number.isFinite), note).toBe(true);
}

it('hostile annotations give an error of the data in a line, or objects that can be used', () => {
  const random = rng(seed, 'hostile annotations');
  const before = process.memoryUsage().rss;
  let [used, refused, slowest] = [0, 0, 0];
  for (let i = 0; i < 10_000; i++) {
    const note = `seed ${seed}, file ${i}`;
    const started = performance.now();
    const kind = random.int(10);
    try {
      if (kind < 6) {
        let document: unknown = coco;
        for (let n = 1 + Math.floor(random.uniform() ** 2 * 4); n > 0; n--)
          document = mutate(document, random);
        const text = JSON.stringify(document);
        const { images, classes, faults } = parseCoco(random.int(20) ? text : garble(text, random), 'x.json');
        if (faults[0] !== undefined) throw new DataError(faults[0]);
        for (const { objects, size = SIZE } of images)
          if (size[0] === SIZE[0] && size[1] === SIZE[1]) use(objects, classes.length, random, note);
      } else if (kind === 6) {
        const document = mutate(results, random);
        const boxes = {
          classes: ['dog', 'cat'],
          classIds: [3, 7],
          imageId: (n: number) => [4, 9][n]!,
          of: () => [],
        };
        for (const found of parseCocoResults(JSON.stringify(document), 'x.json', boxes, 2).values())
          for (const { box, score } of found) expect([...box, score].every(Number.isFinite), note).toBe(true);
      } else if (kind === 7) {
        use(parseYolo(garble(yolo, random), 2), 2, random, note);
      } else {
        const { objects } = parseVoc(garble(xml, random));
        use(
          objects.map((object) => ({ ...object, class: 0 })),
          1,
          random,
          note,
        );
      }
      used++;
    } catch (error) {
      refused++;
      const { name, message } = error as Error;
      expect(
        name === 'DataError' || (kind > 6 && name === 'RangeError'),
        `${note}: ${(error as Error).stack}`,
      ).toBe(true);
      expect(message.length, `${note}: ${message.slice(0, 300)}`).toBeLessThan(500);
      if (kind < 7) expect(message, note).not.toContain('\n');
    }
    slowest = Math.max(slowest, performance.now() - started);
  }
  expect(Math.min(used, refused)).toBeGreaterThan(500);
  expect(slowest, `seed ${seed}`).toBeLessThan(30_000); // ms; usually 20
  expect(process.memoryUsage().rss - before).toBeLessThan(1e9);
}, 300_000);
