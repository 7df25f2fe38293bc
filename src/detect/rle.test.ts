import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { seed } from '../../tests/support/random.ts';
import { rng } from '../random/rng.ts';
import { maskIou, maskIous, mergeRles } from './combine-rle.ts';
import { polygonRle } from './polygon.ts';
import { resampleRle } from './resample-rle.ts';
import { decodeRle, encodeRle, type Rle, rleArea, rleBox, rleOf } from './rle.ts';
import { rleFromText, rleToText } from './rle-text.ts';

interface Fixture {
  masks: {
    size: [number, number];
    pixels: string;
    a: string;
    b: string;
    area: number;
    box: [number, number, number, number];
    union: string;
    intersection: string;
    iou: number;
    crowd: number;
  }[];
  polygons: { size: [number, number]; outlines: number[][]; counts: string }[];
  lists: { size: [number, number]; list: number[]; counts: string }[];
}
const fixture: Fixture = JSON.parse(`${gunzipSync(readFileSync('tests/fixtures/coco/masks.json.gz'))}`);

describe('masks are those of pycocotools', () => {
  it('encoded, compressed, measured, merged and compared', () => {
    for (const { size, pixels, a, b, ...expected } of fixture.masks) {
      const mask = Uint8Array.from(pixels, Number);
      const [rle, other] = [encodeRle(mask, size), rleFromText(b, size)];
      expect(rleToText(rle)).toBe(a);
      expect(rleFromText(a, size)).toEqual(rle);
      expect(decodeRle(rle)).toEqual(mask);
      expect(rleArea(rle)).toBe(expected.area);
      const [x, y, width, height] = expected.box;
      expect(rleBox(rle)).toEqual([x, y, x + width, y + height]);
      expect(rleToText(mergeRles([rle, other]))).toBe(expected.union);
      expect(rleToText(mergeRles([rle, other], 'intersection'))).toBe(expected.intersection);
      expect(maskIou(rle, other)).toBeCloseTo(expected.iou, 15);
      expect(maskIou(rle, other, true)).toBeCloseTo(expected.crowd, 15);
      expect([...maskIous([rle], [other, other], [0, 1])]).toEqual([
        maskIou(rle, other),
        maskIou(rle, other, true),
      ]);
    }
    expect(fixture.masks.length).toBe(60);
  });

  it('of outlines, to the pixel', () => {
    for (const { size, outlines, counts } of fixture.polygons)
      expect(rleToText(mergeRles(outlines.map((outline) => polygonRle(outline, size)))), `${outlines}`).toBe(
        counts,
      );
    expect(fixture.polygons.length).toBe(240);
  });

  it('of lists of run lengths', () => {
    for (const { size, list, counts } of fixture.lists) expect(rleToText(rleOf(list, size))).toBe(counts);
  });
});

const random = rng(seed);

function randomMask(height: number, width: number): Uint8Array {
  const share = random.uniform();
  return Uint8Array.from({ length: height * width }, () => Number(random.uniform() < share));
}

it('random masks: texts, merges of several and overlaps are those of their pixels', () => {
  for (let n = 0; n < 200; n++) {
    const size = [1 + random.int(20), 1 + random.int(20)] as const;
    const masks = Array.from({ length: 3 }, () => randomMask(...size));
    const rles = masks.map((mask) => encodeRle(mask, size));
    for (const [i, rle] of rles.entries()) {
      expect(decodeRle(rleFromText(rleToText(rle), size)), `seed ${seed}`).toEqual(masks[i]);
      expect(rleArea(rle)).toBe(masks[i]!.reduce((a, b) => a + b, 0));
    }
    const pixels = [...masks[0]!.keys()];
    const [a, b, c] = masks as [Uint8Array, Uint8Array, Uint8Array];
    expect([...decodeRle(mergeRles(rles))]).toEqual(pixels.map((i) => a[i]! | b[i]! | c[i]!));
    expect([...decodeRle(mergeRles(rles, 'intersection'))]).toEqual(pixels.map((i) => a[i]! & b[i]! & c[i]!));
    const both = pixels.filter((i) => a[i]! & b[i]!).length;
    const either = pixels.filter((i) => a[i]! | b[i]!).length;
    expect(maskIou(rles[0]!, rles[1]!)).toBe(both === 0 ? 0 : both / either);
  }
});

it('resampled masks have the pixels of the columns and rows that are asked for', () => {
  for (let n = 0; n < 300; n++) {
    const [height, width] = [1 + random.int(15), 1 + random.int(15)];
    const mask = randomMask(height, width);
    const columns = Int32Array.from({ length: 1 + random.int(20) }, () => random.int(width + 1) - 1);
    const empty = () => Array<number>(random.int(4)).fill(-1);
    const inner = Array.from({ length: random.int(20) }, () => random.int(height)).sort((a, b) => a - b);
    const rows = Int32Array.from([...empty(), ...inner, ...empty(), -1]);
    const resampled = resampleRle(encodeRle(mask, [height, width]), columns, rows);
    const expected = [...rows].flatMap((row) =>
      [...columns].map((column) => (row < 0 || column < 0 ? 0 : mask[row * width + column]!)),
    );
    expect([...decodeRle(resampled)], `seed ${seed}`).toEqual(expected);
    expect(resampled).toEqual(encodeRle(expected, [rows.length, columns.length]));
  }
});

describe('hostile masks are refused in a line', () => {
  const cases: [string, () => Rle, RegExp][] = [
    ['too few runs', () => rleOf([3], [2, 2]), /must fill its 2 × 2 \(height × width\) = 4 pixels, got 3/],
    ['too many pixels', () => rleOf([4, 1e9], [2, 2]), /whole number of 0 to 4 pixels, got 1000000000/],
    ['negative runs', () => rleOf([-1, 5], [2, 2]), /got -1/],
    ['no numbers', () => rleOf([Number.NaN, 4], [2, 2]), /got NaN/],
    ['texts as numbers', () => rleOf(['4'] as unknown as number[], [2, 2]), /got a string/],
    ['no size', () => rleOf([0], [0, 2]), /the size of a mask must be/],
    ['a huge size', () => rleOf([1e12], [1e6, 1e6]), /at most 2\^31/],
    ['other characters', () => rleFromText('4 ', [2, 2]), /characters "0" to "o", got " "/],
    ['endless runs', () => rleFromText('o'.repeat(1e5), [2, 2]), /7 characters at most/],
    ['half a run', () => rleFromText('4o', [2, 2]), /end with a whole run/],
    ['an outline of two points', () => polygonRle([0, 0, 1, 1], [2, 2]), /three points or more, got 4/],
    ['odd outlines', () => polygonRle([0, 0, 1, 1, 2, 2, 3], [2, 2]), /got 7 numbers/],
    ['infinite points', () => polygonRle([0, 0, 1, Infinity, 2, 2], [2, 2]), /finite numbers, got Infinity/],
    [
      'outlines without end',
      () => polygonRle([0, 0, 1e9, 1, 2, 2], [2, 2]),
      /pixels long at most, got 2.00e\+9/,
    ],
    ['masks of different sizes', () => mergeRles([rleOf([4], [2, 2]), rleOf([4], [1, 4])]), /same size/],
    ['no masks', () => mergeRles([]), /at least one/],
  ];
  it.each(cases)('%s', (_, make, message) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(message);
  });
});
