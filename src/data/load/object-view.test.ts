import { describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { decodeRle, encodeRle } from '../../detect/rle.ts';
import { rleToText } from '../../detect/rle-text.ts';
import { type Rng, rng } from '../../random/rng.ts';
import { type CropSampler, centreCrop, randomResizedCrop, type Size } from '../decode/crop.ts';
import { largeScaleJitter } from '../decode/large-scale-jitter.ts';
import { scaleJitter } from '../decode/scale-jitter.ts';
import type { BoxAnnotation } from '../sources/annotations.ts';
import { drawCrop } from './crop-view.ts';
import { viewObjects } from './object-view.ts';
import { maskView } from './views.ts';

/** An image of objects: the number of the object at each pixel, 0 where there is none, and their annotations. */
function drawn(random: Rng, [height, width]: Size, count: number) {
  const labels = new Uint8Array(height * width);
  for (let n = 1; n <= count; n++) {
    const [x, y, w, h] = [
      random.int(width),
      random.int(height),
      1 + random.int(width),
      1 + random.int(height),
    ];
    for (let row = y; row < Math.min(height, y + h); row++)
      for (let column = x; column < Math.min(width, x + w); column++)
        if (random.int(8) > 0) labels[row * width + column] = n;
  }
  const objects = Array.from({ length: count }, (_, i): BoxAnnotation => {
    const rle = encodeRle(
      labels.map((n) => Number(n === i + 1)),
      [height, width],
    );
    const counts = i % 2 ? rleToText(rle) : [...rle.counts];
    return { box: [0, 0, width, height], class: i, segmentation: { size: [height, width], counts } };
  });
  return { labels, objects };
}

const samplers: [string, CropSampler][] = [
  ['large scale jitter', largeScaleJitter()],
  ['large scale jitter, always mirrored', largeScaleJitter({ flip: 1, scale: [0.3, 1.5] })],
  ['scale jitter', scaleJitter({ tries: 1 })],
  ['random resized crops', randomResizedCrop()],
  ['centre crops', centreCrop(0.9)],
];

it.each(samplers)('%s: masks of objects have the pixels of a semantic mask', (_, sampler) => {
  const random = rng(seed, 'objects');
  for (let n = 0; n < 60; n++) {
    const image: Size = [5 + random.int(60), 5 + random.int(60)];
    const view: Size = [8 + random.int(40), 8 + random.int(40)];
    const { labels, objects } = drawn(random, image, 5);
    const crop = drawCrop(sampler, random.derive(n), image, view);
    const place = { image, crop };
    const shown = new Uint8Array(view[0] * view[1]);
    maskView({ height: image[0], width: image[1], channels: 1, data: labels }, place, 255, shown, 0);
    const { boxes, classes, masks } = viewObjects(objects, place, { masks: true });
    const visible = [0, 1, 2, 3, 4].filter((i) => shown.includes(i + 1));
    expect([...classes], `seed ${seed}`).toEqual(visible);
    expect([boxes.length, masks!.length]).toEqual([4 * visible.length, visible.length]);
    for (const [row, i] of visible.entries()) {
      const mask = decodeRle(masks![row]!);
      expect(mask, `seed ${seed}`).toEqual(shown.map((value) => Number(value === i + 1)));
      const xs = [...mask.keys()].filter((k) => mask[k]).map((k) => k % view[1]);
      const ys = [...mask.keys()].filter((k) => mask[k]).map((k) => Math.floor(k / view[1]));
      const edges = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
      expect([...boxes.subarray(4 * row, 4 * row + 4)]).toEqual(edges);
    }
  }
});

describe('boxes are moved exactly', () => {
  const image: Size = [50, 100];
  const place = (x: number, y: number, resized: Size, flip = false) => ({
    image,
    crop: {
      box: { x: 0, y: 0, width: 100, height: 50 },
      resized,
      window: { x, y, width: 64, height: 64 },
      flip,
    },
  });
  const box = (...edges: [number, number, number, number]): BoxAnnotation => ({ box: edges, class: 3 });
  it.each([
    ['half the size, at the top left', place(0, 0, [25, 50]), box(10, 20, 30, 40), [5, 10, 15, 20]],
    [
      'mirrored within the image, not the padding',
      place(0, 0, [25, 50], true),
      box(10, 20, 30, 40),
      [35, 10, 45, 20],
    ],
    ['cut from twice the size', place(40, 30, [100, 200]), box(10, 20, 30, 40), [0, 10, 20, 50]],
    ['cut and mirrored', place(40, 30, [100, 200], true), box(10, 20, 30, 40), [44, 10, 64, 50]],
    ['beyond the picture', place(0, 0, [25, 50]), box(-10, 40, 20, 90), [0, 20, 10, 25]],
  ])('%s', (_, drawnCrop, object, expected) => {
    const { boxes, classes, masks } = viewObjects([object], drawnCrop, { masks: false });
    expect([[...boxes], [...classes], masks]).toEqual([expected, [3], undefined]);
  });

  it('leaves out what is not seen, crowds, and objects that are to be ignored', () => {
    const objects = [
      box(90, 0, 100, 50),
      { ...box(0, 0, 30, 30), crowd: true },
      { ...box(0, 0, 30, 30), ignore: true },
      box(1, 1, 1, 9),
      { ...box(0, 0, 4, 4), class: 1 },
    ];
    const found = (at: ReturnType<typeof place>) => [...viewObjects(objects, at, { masks: true }).classes];
    expect(found(place(0, 0, [100, 200]))).toEqual([1]);
    expect(found(place(0, 0, [25, 50]))).toEqual([3, 1]);
  });
});

it('large scale jitter fits the image into the view times a factor, as detectron2 does', () => {
  const random = rng(seed, 'jitter');
  const view: Size = [64, 96];
  for (let n = 0; n < 300; n++) {
    const image: Size = [1 + random.int(300), 1 + random.int(300)];
    const { resized, window, border } = largeScaleJitter()(random, image, view);
    const zoom = Math.max(resized[0] / view[0], resized[1] / view[1]);
    expect(zoom, `seed ${seed}`).toBeLessThanOrEqual(2.01);
    expect(zoom).toBeGreaterThan(0.08);
    const [down, across] = [resized[0] / image[0], resized[1] / image[1]];
    expect(Math.abs(down - across)).toBeLessThanOrEqual(
      0.51 / image[0] + 0.51 / image[1] + 1 / Math.min(...image),
    );
    for (const [from, side, all] of [
      [window.y, view[0], resized[0]],
      [window.x, view[1], resized[1]],
    ] as const) {
      expect(from).toBeGreaterThanOrEqual(0);
      expect(from).toBeLessThanOrEqual(Math.max(0, all - side));
    }
    expect(border).toEqual([128]);
  }
  const whole = largeScaleJitter({ scale: [1, 1], flip: 0 })(random, [200, 100], view);
  expect(whole).toMatchObject({ resized: [64, 32], window: { x: 0, y: 0 }, flip: false });
  expect(() => largeScaleJitter({ scale: [2, 1] })).toThrow('the smaller one first');
  expect(() => largeScaleJitter({ flip: 2 })).toThrow('must lie in [0, 1]');
});
