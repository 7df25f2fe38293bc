import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withRandom } from '../../tests/support/random.ts';
import type { Rng } from '../random/rng.ts';
import { anchorsOf } from './anchors.ts';
import { boxIou } from './boxes.ts';
import { decode, encode } from './deltas.ts';
import { maskTarget } from './mask-target.ts';
import { anchorLabels, BACKGROUND, matched, OBJECT, UNUSED } from './match.ts';
import { largest, suppressed } from './nms.ts';
import { pasteMask } from './paste-mask.ts';
import { decodeRle } from './rle.ts';
import { levelsOf, roiMatrices, smallestAreas } from './roi-align.ts';
import { chosen } from './rows.ts';

// Written by tests/oracle/make_detection_fixture.py with torchvision.
const fixture = JSON.parse(
  readFileSync(new URL('../../tests/fixtures/detection.json', import.meta.url), 'utf8'),
);
type Rows = readonly (readonly number[])[];
const boxesOf = (rows: Rows) => Float64Array.from(rows.flat());
const apart = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  return Math.max(0, ...Array.from(a, (value, i) => Math.abs(value - b[i]!) / (1 + Math.abs(b[i]!))));
};

it('anchors are those of detectron2', () => {
  for (const { size, stride, boxes } of fixture.anchors)
    expect(apart(anchorsOf({ size, stride }), boxesOf(boxes))).toBeLessThan(1e-14);
});

it('deltas are those of BoxCoder', () => {
  for (const { weights, boxes, targets, encoded, codes, decoded } of fixture.deltas) {
    const scale = { shift: weights[0], size: weights[2] };
    expect(apart(encode(boxesOf(boxes), boxesOf(targets), scale), encoded.flat())).toBeLessThan(1e-13);
    expect(apart(decode(boxesOf(boxes), codes.flat(), scale), decoded.flat())).toBeLessThan(1e-13);
  }
});

it('deltas lead back to the boxes that they were made from', () => {
  withRandom(100, (random) => {
    const [from, to] = [randomBoxes(random, 5), randomBoxes(random, 5)];
    const scale = { shift: random.uniform(0.5, 20), size: random.uniform(0.5, 20) };
    expect(apart(decode(from, encode(from, to, scale), scale), to)).toBeLessThan(1e-9);
  });
});

describe('suppression', () => {
  it('keeps what torchvision keeps, in its order, ties included', () => {
    for (const { boxes, scores, groups, threshold, kept, keptByGroup } of fixture.nms) {
      expect([...suppressed(boxesOf(boxes), scores, threshold)]).toEqual(kept);
      const own = [...suppressed(boxesOf(boxes), scores, threshold, groups)];
      expect(own.toSorted((a, b) => a - b)).toEqual(keptByGroup.toSorted((a: number, b: number) => a - b));
      expect(own.map((i) => scores[i])).toEqual(keptByGroup.map((i: number) => scores[i]));
    }
  });

  it('keeps a box exactly where no better box that is kept overlaps it too much', () => {
    withRandom(50, (random) => {
      const count = random.int(30);
      const boxes = randomBoxes(random, count);
      const scores = Array.from({ length: count }, () => random.int(5));
      const threshold = random.uniform();
      const kept = suppressed(boxes, scores, threshold);
      const rank = new Map([...largest(scores)].map((i, place) => [i, place]));
      for (let i = 0; i < count; i++) {
        const beaten = [...kept].some(
          (j) => rank.get(j)! < rank.get(i)! && boxIou(boxes, i, boxes, j) > threshold,
        );
        expect(kept.includes(i)).toBe(!beaten);
      }
    });
  });

  it('takes the largest values, the first of equal ones, and no NaN', () => {
    withRandom(100, (random) => {
      const values = Array.from({ length: random.int(40) }, () =>
        random.int(8) === 0 ? Number.NaN : random.int(6),
      );
      const order = [...values.keys()].filter((i) => !Number.isNaN(values[i]!));
      order.sort((a, b) => values[b]! - values[a]! || a - b);
      const count = random.int(50);
      expect([...largest(values, count)]).toEqual(order.slice(0, count));
    });
    expect([...largest([1, 3, 3, 2], 2)]).toEqual([1, 2]);
  });
});

describe('matching', () => {
  it('is that of torchvision for anchors, with the best anchor of each object, and for heads', () => {
    for (const { boxes, objects, best, anchors, heads } of fixture.match) {
      const [all, some] = [boxesOf(boxes), boxesOf(objects)];
      const matches = matched(all, some);
      expect(apart(matches.overlap, best)).toBeLessThan(1e-15);
      const labels = anchorLabels(matches);
      const named = new Map([
        [-1, BACKGROUND],
        [-2, UNUSED],
      ]);
      expect([...labels]).toEqual(anchors.map((match: number) => named.get(match) ?? OBJECT));
      for (const [i, match] of anchors.entries()) if (match >= 0) expect(matches.object[i]).toBe(match);
      expect(Array.from(matches.object, (j, i) => (matches.overlap[i]! >= 0.5 ? j : -1))).toEqual(heads);
    }
  });

  it('knows no object where there is none', () => {
    const boxes = new Float64Array([0, 0, 4, 4, 2, 2, 9, 9]);
    const matches = matched(boxes, new Float64Array());
    expect([...matches.object]).toEqual([-1, -1]);
    expect([...anchorLabels(matches)]).toEqual([BACKGROUND, BACKGROUND]);
    // No anchor is the best one of an object that none overlaps.
    const far = new Float64Array([50, 50, 60, 60]);
    expect([...anchorLabels(matched(boxes, far))]).toEqual([BACKGROUND, BACKGROUND]);
  });
});

describe('ROI align', () => {
  it('reads from a map what torchvision reads', () => {
    for (const { size, stride, bins, sampling, boxes, map, read } of fixture.align) {
      const [height, width] = size;
      const count = boxes.length;
      const [matrices] = roiMatrices(boxesOf(boxes), [{ size, stride }], { count, bins, sampling });
      const { rows, columns } = matrices!;
      for (let b = 0; b < count; b++)
        for (const [c, values] of map.entries())
          for (let i = 0; i < bins; i++)
            for (let j = 0; j < bins; j++) {
              let sum = 0;
              for (let y = 0; y < height; y++)
                for (let x = 0; x < width; x++)
                  sum +=
                    rows[(b * bins + i) * height + y]! * values[y][x] * columns[(b * bins + j) * width + x]!;
              expect(Math.abs(sum - read[b][c][i][j])).toBeLessThan(1e-6);
            }
    }
  });

  it('reads each box from the map that torchvision chooses, and nothing from the others', () => {
    const { boxes, strides, levels } = fixture.levels;
    const maps = strides.map((stride: number) => ({ size: [8, 8] as const, stride }));
    expect([...levelsOf(boxesOf(boxes), maps)]).toEqual(levels);
    const matrices = roiMatrices(boxesOf(boxes), maps, { count: boxes.length + 2, bins: 3, sampling: 2 });
    for (const [level, { rows, columns }] of matrices.entries())
      for (let i = 0; i < boxes.length + 2; i++) {
        const own = (all: Float32Array) => all.subarray(24 * i, 24 * (i + 1)).some((value) => value !== 0);
        expect([own(rows), own(columns)]).toEqual(levels[i] === level ? [true, true] : [false, false]);
      }
  });
});

it('masks are those of torchvision', () => {
  let doubtful = 0;
  for (const { pixels, boxes, read } of fixture.masks)
    for (const [i, box] of boxes.entries()) {
      const target = maskTarget(Uint8Array.from(pixels.flat()), [pixels.length, pixels[0].length], box, 28);
      for (const [k, value] of read[i].flat().entries()) {
        if (Math.abs(value - 0.5) < 2e-6) doubtful++;
        else expect(target[k]).toBe(Number(value > 0.5));
      }
    }
  expect(doubtful).toBeLessThan(0.2 * 8 * 28 * 28);
});

it('masks are pasted as by grid_sample', () => {
  for (const { size, values, boxes, pixels } of fixture.paste)
    for (const [i, box] of boxes.entries()) {
      const mask = pasteMask(Float32Array.from(values[i].flat()), 6, box, size);
      expect([...decodeRle(mask)]).toEqual(pixels[i].flat());
    }
});

function randomBoxes(random: Rng, count: number) {
  const boxes = new Float64Array(4 * count);
  for (let i = 0; i < count; i++) {
    const [x, y] = [random.int(20), random.int(20)];
    boxes.set([x, y, x + 1 + random.int(12), y + 1 + random.int(12)], 4 * i);
  }
  expect(chosen(boxes, [...Array(count).keys()])).toEqual(boxes);
  return boxes;
}

it('boxes are read from maps by bounds of areas as by logarithms, and where a scale is left out from the next smaller stride', () => {
  withRandom(20, (random: Rng) => {
    const strides = [2, 4, 8, 16, 32].filter(() => random.uniform() < 0.6);
    if (strides.length === 0) return;
    const maps = strides.map((stride) => ({ stride, size: [4, 4] as const }));
    const sides = Array.from({ length: 40 }, () => 2 ** random.uniform(0, 11));
    const places = [...levelsOf(boxesOf(sides.map((side) => [3, 5, 3 + side, 5 + side])), maps)];
    const bounds = smallestAreas(maps);
    expect(places).toEqual(sides.map((side) => bounds.findLastIndex((area) => side * side >= area)));
    // A box of 224 pixels at stride 16, in powers of 2.
    const usual = sides.map((side) => 16 * 2 ** Math.floor(Math.log2(side / 224)));
    expect(places).toEqual(
      usual.map((stride) => Math.max(0, strides.filter((each) => each <= stride).length - 1)),
    );
  });
});
