import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { rng } from '../../random/rng.ts';
import { type Crop, centreCrop, randomResizedCrop, type Size } from '../decode/crop.ts';
import { viewCrop } from '../decode/evaluation-view.ts';
import type { RawImage } from '../sources/dataset.ts';
import { makeView, maskView } from './views.ts';

const ignore = 255;

/** Large squares of few flat colours, whose first channels differ by 60 or more. */
function flat(seed: number, height: number, width: number): RawImage {
  const r = rng(seed, 'flat');
  const side = 16;
  const across = Math.ceil(width / side);
  const colours = Array.from({ length: across * Math.ceil(height / side) }, () => 60 * r.int(4));
  const at = (x: number, y: number) => colours[Math.floor(y / side) * across + Math.floor(x / side)]!;
  const data = new Uint8Array(3 * height * width);
  for (let i = 0; i < height * width; i++)
    data.set([at(i % width, Math.floor(i / width)), r.int(256), 9], 3 * i);
  return { width, height, channels: 3, data };
}

const first = ({ width, height, channels, data }: RawImage): RawImage => ({
  ...{ width, height, channels: 1 },
  data: data.filter((_, i) => i % channels === 0),
});

/** Values of the first channel that the bicubic filter reaches from a pixel of a view: also strips that no pixel of a mask shows. */
function reached(image: RawImage, { box, resized, window, flip }: Crop, y: number, x: number): Set<number> {
  const shownX = flip ? window.width - 1 - x : x;
  const columns = reach(box.x, box.width, resized[1], window.x + shownX);
  const rows = reach(box.y, box.height, resized[0], window.y + y);
  return new Set(
    rows.flatMap((row) => columns.map((column) => image.data[3 * (row * image.width + column)]!)),
  );
}

/** Pixels of the side [start, start + length) that the filter reaches from pixel `at` of the resized side. */
function reach(start: number, length: number, resized: number, at: number): number[] {
  const scale = length / resized;
  const centre = (at + 0.5) * scale;
  const support = 2 * Math.max(1, scale) + 1;
  return Array.from({ length }, (_, i) => i)
    .filter((i) => Math.abs(i + 0.5 - centre) <= support)
    .map((i) => start + i);
}

describe('a mask that is the first channel of its image', () => {
  const size: Size = [48, 40];
  const plane = size[0] * size[1];
  const stretched = { fit: 'stretch', resized: [60, 64], rounding: 'timm', border: [ignore, 3, 4] } as const;
  const bordered = {
    fit: 'keep',
    resized: [0, 0],
    rounding: 'transformers',
    border: [ignore, 3, 4],
  } as const;

  async function views(seed: number, image: RawImage, crop: Parameters<typeof makeView>[1]['crop']) {
    const view = new Uint8Array(3 * plane);
    const drawn = await makeView(image, { size, channels: 3, crop }, rng(seed, 'view'), view, 0);
    const mask = new Uint8Array(plane + 2);
    maskView(first(image), drawn, ignore, mask, 1);
    expect([mask[0], mask.at(-1)]).toEqual([0, 0]); // it stays within its place
    return { view: view.subarray(0, plane), mask: mask.subarray(1, -1), drawn };
  }

  it.each([
    ['stretched', { ...stretched, filter: 'nearest' }],
    ['with a border', { ...bordered, filter: 'nearest' }],
  ] as const)('becomes the first channel of its view, resized by the nearest pixel: %s', async (_, view) => {
    const image = flat(3, 37, 33);
    const { view: shown, mask } = await views(3, image, viewCrop(view as never));
    expect(mask).toEqual(shown);
  });

  it.each([
    ['random resized crop', randomResizedCrop({ flip: 1 })],
    ['random resized crop, not mirrored', randomResizedCrop({ flip: 0 })],
    ['centre crop', centreCrop()],
  ])('is that channel within the flat colours, resized by the bicubic filter: %s', async (_, crop) => {
    const image = flat(seed, 90, 120);
    const { view, mask, drawn } = await views(seed, image, crop);
    let inside = 0;
    for (let y = 0; y < size[0]; y++)
      for (let x = 0; x < size[1]; x++) {
        const i = y * size[1] + x;
        expect(mask[i]! % 60, `seed ${seed}`).toBe(0); // no value that the mask does not have
        if (reached(image, drawn.crop, y, x).size > 1) continue;
        inside++;
        expect(view[i], `seed ${seed}`).toBe(mask[i]);
      }
    if (inside === 0) expect(new Set(mask).size, `seed ${seed}`).toBeGreaterThan(1);
  });

  it('has the size of its image and one channel', async () => {
    const image = flat(1, 40, 50);
    const { drawn } = await views(1, image, centreCrop());
    const out = new Uint8Array(plane);
    for (const wrong of [image, first(flat(1, 50, 40))])
      expect(() => maskView(wrong, drawn, ignore, out, 0)).toThrow(
        "a mask must have 1 channel and its image's size, 40 × 50",
      );
  });
});

it("gives Pillow's nearest pixels for every crop", () => {
  const url = new URL('../../../tests/fixtures/samples/samples.json', import.meta.url);
  const { mask } = JSON.parse(readFileSync(url, 'utf8')) as {
    mask: {
      shape: [number, number];
      pixels: string;
      views: {
        box: RawImage & { x: number; y: number };
        size: [number, number];
        flip: boolean;
        pixels: string;
      }[];
    };
  };
  const [height, width] = mask.shape;
  const image: RawImage = { width, height, channels: 1, data: Buffer.from(mask.pixels, 'base64') };
  let compared = 0;
  let all = 0;
  for (const { box, size, flip, pixels } of mask.views) {
    const window = { x: 0, y: 0, width: size[1], height: size[0] };
    const out = new Uint8Array(size[0] * size[1]);
    maskView(image, { image: mask.shape, crop: { box, resized: size, window, flip } }, ignore, out, 0);
    const expected = Buffer.from(pixels, 'base64');
    // Where a centre lies between two pixels, sums of rounded steps decide in Pillow.
    const tie = (i: number, from: number, to: number) => {
      const centre = ((i + 0.5) * from) / to;
      return Math.abs(centre - Math.round(centre)) < 1e-9;
    };
    for (const [i, value] of out.entries()) {
      const [x, y] = [i % size[1], Math.floor(i / size[1])];
      if (tie(flip ? size[1] - 1 - x : x, box.width, size[1]) || tie(y, box.height, size[0])) continue;
      compared++;
      expect(value).toBe(expected[i]);
    }
    all += out.length;
  }
  expect(compared).toBeGreaterThan(all / 2);
});
