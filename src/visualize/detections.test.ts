import { expect, it } from 'vitest';
import { seed } from '../../tests/support/random.ts';
import { encodeRle } from '../detect/rle.ts';
import { rng } from '../random/rng.ts';
import { type DrawnObject, drawObjects, renderDetections } from './detections.ts';
import { fromPng, type RgbImage } from './rgb-image.ts';

const random = rng(seed);
const [width, height] = [60, 50];
const image: RgbImage = {
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, () => 100 + random.int(40)),
};
const inside = (x: number, y: number) => x >= 12 && x < 30 && y >= 14 && y < 32;
const mask = encodeRle(
  Uint8Array.from({ length: width * height }, (_, i) => Number(inside(i % width, Math.floor(i / width)))),
  [height, width],
);
const object: DrawnObject = { box: [10, 12, 40, 44], class: 1, score: 0.876 };
const RED = [230, 57, 70];
const BLUE = [29, 132, 255];
const at = ({ data, width }: RgbImage, x: number, y: number) => [
  ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

it('a box is a line of two pixels in the colour of its class; the rest of the picture stays', async () => {
  const drawn = await drawObjects(
    image,
    [object, { ...object, class: 0, box: [45, 40, 58, 48] }],
    ['a', 'b'],
    60,
  );
  expect([drawn.width, drawn.height]).toEqual([60, 50]);
  for (const [x, y] of [
    [10, 41],
    [11, 43],
    [39, 41],
    [38, 42],
    [20, 42],
    [25, 43],
  ] as const)
    expect(at(drawn, x, y)).toEqual(BLUE);
  for (const [x, y] of [
    [45, 44],
    [50, 47],
  ] as const)
    expect(at(drawn, x, y)).toEqual(RED);
  for (const [x, y] of [
    [12, 41],
    [37, 41],
    [9, 43],
    [40, 43],
    [2, 45],
  ] as const)
    expect(at(drawn, x, y)).toEqual(at(image, x, y));
});

it('a mask is tinted with a solid edge, in enlarged pictures too', async () => {
  const drawn = await drawObjects(image, [{ ...object, class: 0, mask }], ['a'], 120);
  expect([drawn.width, drawn.height]).toEqual([120, 100]);
  expect(at(drawn, 24, 40)).toEqual(RED);
  expect(at(drawn, 58, 63)).toEqual(RED);
  for (const [x, y] of [
    [26, 50],
    [50, 60],
    [40, 55],
  ] as const) {
    const before = at(image, x >> 1, y >> 1);
    expect(at(drawn, x, y)).toEqual(before.map((value, c) => Math.round(0.45 * RED[c]! + 0.55 * value)));
  }
  expect(at(drawn, 64, 60)).toEqual(at(image, 32, 30));
});

it('names and scores are written above boxes, or inside where there is no room', async () => {
  const large = { width: 300, height: 200, data: new Uint8Array(3 * 300 * 200) };
  const white = ({ data }: RgbImage, y0: number, y1: number) => {
    let pixels = 0;
    for (let i = 3 * 300 * y0; i < 3 * 300 * y1; i += 3)
      pixels += Number(data[i]! > 180 && data[i + 1]! > 180 && data[i + 2]! > 180);
    return pixels;
  };
  const above = await drawObjects(large, [{ ...object, box: [50, 100, 150, 180] }], ['cat', 'dog'], 300);
  expect(white(above, 80, 100)).toBeGreaterThan(20);
  expect(white(above, 102, 200)).toBe(0);
  const within = await drawObjects(large, [{ ...object, box: [-20, -5, 400, 180], class: 7 }], [], 300);
  expect(white(within, 0, 20)).toBeGreaterThan(20);
  const longer = await drawObjects(
    large,
    [{ ...object, class: 0, box: [50, 100, 150, 180] }],
    ['x'.repeat(200)],
    300,
  );
  expect(longer.width).toBe(300);
});

it('objects of the only class have separate colours, and no names', async () => {
  const black = { width: 300, height: 200, data: new Uint8Array(3 * 300 * 200) };
  const objects = [0, 1].map((i) => ({ box: [20 + 100 * i, 50, 100 + 100 * i, 150] as const, class: 0 }));
  const { data } = await drawObjects(black, objects, ['cat'], 300);
  const colours = new Set(
    Array.from({ length: 300 * 200 }, (_, i) => data.subarray(3 * i, 3 * i + 3).join()),
  );
  expect(colours).toEqual(new Set(['0,0,0', RED.join(), BLUE.join()]));
});

it('a page has a column for the truth where there is one', async () => {
  const picture = { image, found: [object], title: 'one' };
  const bare = await fromPng(
    await renderDetections({ pictures: [picture], classes: ['a', 'b'], cellSize: 120 }),
  );
  const both = await fromPng(
    await renderDetections({
      pictures: [{ ...picture, truth: [object] }, picture],
      classes: ['a', 'b'],
      cellSize: 120,
    }),
  );
  expect(both.width).toBeGreaterThan(bare.width + 100);
  await expect(renderDetections({ pictures: [], classes: [] })).rejects.toThrow('a grid must hold a picture');
  const other = { ...object, mask: encodeRle([1], [1, 1]) };
  await expect(drawObjects(image, [other], [])).rejects.toThrow(
    "must have its picture's size, 50 × 60, got 1 × 1",
  );
});
