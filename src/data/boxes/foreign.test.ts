import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openDataset } from '../sources/open.ts';
import { requireBoxes } from './scan.ts';

const folder = 'tests/fixtures/boxes';
const expected: Record<string, [string, number, number, number, number][]> = JSON.parse(
  readFileSync(`${folder}/boxes.json`, 'utf8'),
);

it.each([
  ["COCO's JSON by globox", `${folder}/instances.json`, 0],
  ["YOLO's texts by globox", `${folder}/yolo,${folder}/images`, 0],
  ["VOC's XML by pascal_voc_writer", `${folder}/voc-writer,${folder}/images`, 0],
  // It writes left and upper edges that count from 0, where VOC's count from 1.
  ["VOC's XML by globox", `${folder}/voc,${folder}/images`, 1],
])('%s, with a picture that its EXIF orientation turns', async (_, path, shift) => {
  const dataset = await openDataset(`boxes:${path}`);
  const { length, boxes } = dataset;
  expect(await requireBoxes(dataset)).toMatchObject({ images: 3, objects: 8, empty: 1, most: 4 });
  const seen: Record<string, unknown> = {};
  for (let i = 0; i < length; i++) {
    const { height, width } = await dataset.image(i);
    seen[dataset.id(i)] = boxes!.of(i, [height, width]).map(({ class: of, box: [x1, y1, x2, y2] }) => {
      const edges = [x1 + shift, y1 + shift, x2, y2].map((edge) => Math.round(1e9 * edge) / 1e9);
      return [boxes!.classes[of], ...edges];
    });
  }
  expect(seen).toEqual(expected);
});
