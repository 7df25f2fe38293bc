import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { decodeRle } from '../../detect/rle.ts';
import { vocPalette } from '../../io/palette-png.ts';
import { objectMask } from '../boxes/segmentation.ts';
import { decodeMask } from '../masks/png.ts';
import { openDataset } from '../sources/open.ts';
import { SHAPES } from './draw.ts';
import { writeShapes } from './write.ts';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const files = (root: string) =>
  (readdirSync(at(root), { recursive: true, withFileTypes: true }) as import('node:fs').Dirent[])
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(at(root).length + 1))
    .sort();

beforeAll(async () => {
  await writeShapes(at('a'), { train: 6, val: 3, size: 40, seed });
  await writeShapes(at('b'), { train: 6, val: 3, size: 40, seed });
  await writeShapes(at('more'), { train: 8, val: 0, size: 40, seed });
  await writeShapes(at('other'), { train: 2, val: 0, size: 40, seed: seed + 1 });
});

it('the same seed gives the same bytes, another one others; a picture does not depend on their number', () => {
  const names = files('a');
  expect(names).toEqual(files('b'));
  expect(names.length).toBe(3 * 9 + 3);
  for (const name of names)
    expect(readFileSync(at('a', name)).equals(readFileSync(at('b', name))), `${name}, seed ${seed}`).toBe(
      true,
    );
  const first = 'images/train/00001.png';
  expect(readFileSync(at('more', first)).equals(readFileSync(at('a', first)))).toBe(true);
  expect(readFileSync(at('other', first)).equals(readFileSync(at('a', first)))).toBe(false);
});

interface Coco {
  images: { id: number; file_name: string; width: number; height: number }[];
  annotations: {
    image_id: number;
    category_id: number;
    bbox: number[];
    area: number;
    segmentation: { counts: number[] };
  }[];
}

describe.each([
  ['train', 6],
  ['val', 3],
])('masks, boxes and run lengths say the same (%s)', (part, count) => {
  it('pixel by pixel', async () => {
    const coco: Coco = JSON.parse(readFileSync(at('a', `annotations/instances_${part}.json`), 'utf8'));
    expect(coco.images.length).toBe(count);
    for (const { id, file_name, width, height } of coco.images) {
      const expected = new Uint8Array(width * height);
      const xml = readFileSync(at('a', `annotations/${part}`, file_name.replace('.png', '.xml')), 'utf8');
      const names = [...xml.matchAll(/<name>(\w+)<\/name>/g)].map(([, name]) => name);
      const edges = [...xml.matchAll(/<[xy]m(?:in|ax)>(\d+)</g)].map(([, edge]) => Number(edge));
      const own = coco.annotations.filter(({ image_id }) => image_id === id);
      expect(names).toEqual(own.map(({ category_id }) => SHAPES[category_id]));
      for (const [i, { category_id, bbox, area, segmentation }] of own.entries()) {
        let [place, pixels] = [0, 0];
        let [left, top, right, bottom] = [width, height, -1, -1];
        for (const [run, length] of segmentation.counts.entries()) {
          for (let k = place; run % 2 === 1 && k < place + length; k++) {
            const [x, y] = [Math.floor(k / height), k % height];
            expected[y * width + x] = category_id;
            pixels++;
            [left, top, right, bottom] = [
              Math.min(left, x),
              Math.min(top, y),
              Math.max(right, x),
              Math.max(bottom, y),
            ];
          }
          place += length;
        }
        expect(place).toBe(width * height);
        expect(pixels).toBe(area);
        expect(bbox).toEqual([left, top, right - left + 1, bottom - top + 1]);
        expect(edges.slice(4 * i, 4 * i + 4)).toEqual([left + 1, top + 1, right + 1, bottom + 1]);
      }
      const mask = readFileSync(at('a', `masks/${part}`, file_name));
      expect([...decodeMask(mask).data], `seed ${seed}`).toEqual([...expected]);
      const shown = await sharp(mask).removeAlpha().raw().toBuffer();
      expect([...shown]).toEqual([...expected].flatMap((value) => [...vocPalette()[value]!]));
      const image = await sharp(readFileSync(at('a', `images/${part}`, file_name))).metadata();
      expect([image.width, image.height, image.channels]).toEqual([width, height, 3]);
    }
  });
});

it('opens as images with masks, by part', async () => {
  const { length, masks } = await openDataset(`masks:${at('a')}`);
  expect([length, masks?.classes]).toEqual([6, SHAPES]);
  expect((await openDataset(`masks:${at('a')}@val`)).length).toBe(3);
});

it('opens as images with objects, whose masks are the semantic mask; the XML has the same boxes', async () => {
  const { length, boxes, masks } = await openDataset(`boxes:${at('a/annotations/instances_train.json')}`);
  const xml = await openDataset(`boxes:${at('a/annotations/train')},${at('a/images/train')}`);
  expect([length, boxes!.classes, masks]).toEqual([6, SHAPES.slice(1), undefined]);
  expect((await openDataset(`boxes:${at('a')}@val`)).length).toBe(3);
  for (let i = 0; i < length; i++) {
    const size = [40, 40] as const;
    const objects = boxes!.of(i, size);
    const together = new Uint8Array(1600);
    for (const { class: of, segmentation } of objects)
      for (const [k, inside] of decodeRle(objectMask(segmentation!, size)).entries())
        if (inside) together[k] = of + 1;
    const mask = readFileSync(at('a/masks/train', `0000${i + 1}.png`));
    expect([...decodeMask(mask).data], `seed ${seed}`).toEqual([...together]);
    expect(xml.boxes!.of(i, size).map(({ box, class: of }) => [box, xml.boxes!.classes[of]])).toEqual(
      objects.map(({ box, class: of }) => [box, boxes!.classes[of]]),
    );
  }
});

it('refuses a folder that holds anything, and impossible sizes', async () => {
  await expect(writeShapes(at('a'))).rejects.toThrow(
    'pictures are written into an empty folder, got files in',
  );
  await expect(writeShapes(at('c'), { size: 4 })).rejects.toThrow(
    'the side of a picture must be a whole number from 8',
  );
});
