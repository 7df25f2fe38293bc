import { describe, expect, it } from 'vitest';
import { whole, withRandom } from '../../tests/support/random.ts';
import { type Rng, rng } from '../random/rng.ts';
import { anchorsOf, type Level } from './anchors.ts';
import { boxIou } from './boxes.ts';
import { decode, HEAD_SCALE, PROPOSAL_SCALE } from './deltas.ts';
import { detectionsOf } from './detections.ts';
import { type DetectionPlan, inputsOf } from './learn.ts';
import { BACKGROUND, OBJECT } from './match.ts';
import type { Objects } from './objects.ts';
import { proposalsOf } from './proposals.ts';
import { encodeRle } from './rle.ts';
import { allOf, clipped, countOf } from './rows.ts';
import { balanced } from './sample.ts';
import { anchorTargets, roiTargets } from './targets.ts';

const image = [32, 48] as const;
const levels: readonly Level[] = [
  { size: [16, 24], stride: 2 },
  { size: [8, 12], stride: 4 },
  { size: [4, 6], stride: 8 },
];
const anchors = allOf(levels.map(anchorsOf));
const box = (random: Rng) => {
  const [x, y] = [random.uniform(0, 40), random.uniform(0, 24)];
  return [x, y, x + random.uniform(2, 48 - x), y + random.uniform(2, 32 - y)];
};

function objectsOf(random: Rng, count: number): Objects {
  const boxes = Float64Array.from(Array.from({ length: count }, () => box(random)).flat());
  const masks = Array.from({ length: count }, (_, k) =>
    encodeRle(
      Uint8Array.from({ length: 32 * 48 }, (_, i) => {
        const [x, y] = [(i % 48) + 0.5, Math.floor(i / 48) + 0.5];
        return Number(
          x > boxes[4 * k]! && y > boxes[4 * k + 1]! && x < boxes[4 * k + 2]! && y < boxes[4 * k + 3]!,
        );
      }),
      [32, 48],
    ),
  );
  return { boxes, classes: Array.from({ length: count }, () => random.int(3)), masks };
}

it('a sample has no number twice, objects up to their count, and background in the rest', () => {
  withRandom(100, (random) => {
    const numbers = [...random.permutation(random.int(60))];
    const cut = random.int(numbers.length + 1);
    const [objects, background] = [numbers.slice(0, cut), numbers.slice(cut)];
    const count = whole(random, 1, 30);
    const most = random.int(count + 1);
    const some = balanced(random, objects, background, { count, objects: most });
    expect(some.objects.length).toBe(Math.min(most, objects.length));
    expect(some.background.length).toBe(Math.min(count - some.objects.length, background.length));
    for (const [part, all] of [
      [some.objects, objects],
      [some.background, background],
    ] as const) {
      expect(new Set(part).size).toBe(part.length);
      expect(part.every((number) => all.includes(number))).toBe(true);
    }
  });
});

it('proposals lie in the image, the best first, and none of a map overlaps a better one too much', () => {
  withRandom(15, (random) => {
    const count = countOf(anchors);
    const objectness = Float32Array.from({ length: count }, () => random.normal());
    const deltas = Float32Array.from({ length: 4 * count }, () => random.normal(0, 0.5));
    const counts = { ofEach: whole(random, 1, 60), kept: whole(random, 1, 80) };
    const { boxes, scores } = proposalsOf(levels, image, objectness, deltas, counts);
    expect(countOf(boxes)).toBe(scores.length);
    expect(scores.length).toBeLessThanOrEqual(counts.kept);
    expect([...scores]).toEqual([...scores].sort((a, b) => b - a));
    expect(clipped(boxes, image)).toEqual(boxes);
    const all = clipped(decode(anchors, deltas, PROPOSAL_SCALE), image);
    const sources = [...scores].map((score, i) =>
      [...Array(count).keys()].find(
        (k) =>
          objectness[k] === score && [0, 1, 2, 3].every((side) => all[4 * k + side] === boxes[4 * i + side]),
      ),
    );
    expect(sources.every((source) => source !== undefined)).toBe(true);
    const map = (k: number) => (k < 3 * 16 * 24 ? 0 : k < 3 * (16 * 24 + 8 * 12) ? 1 : 2);
    for (let i = 0; i < scores.length; i++)
      for (let j = 0; j < i; j++)
        if (map(sources[i]!) === map(sources[j]!))
          expect(boxIou(boxes, i, boxes, j)).toBeLessThanOrEqual(0.7);
  });
});

it('anchors lead to their objects', () => {
  withRandom(20, (random) => {
    const objects = objectsOf(random, random.int(5));
    const { labels, deltas } = anchorTargets(anchors, objects, random, 40);
    const of = (wanted: number) => [...labels.keys()].filter((i) => labels[i] === wanted);
    expect(of(OBJECT).length).toBeLessThanOrEqual(20);
    expect(of(OBJECT).length + of(BACKGROUND).length).toBe(40);
    if (objects.boxes.length > 0) expect(of(OBJECT).length).toBeGreaterThan(0);
    const moved = decode(anchors, deltas, PROPOSAL_SCALE);
    for (const i of of(OBJECT)) {
      const shares = Array.from(objects.classes, (_, j) => boxIou(moved, i, objects.boxes, j));
      expect(Math.max(...shares)).toBeGreaterThan(0.999);
    }
    for (const i of [...labels.keys()].filter((k) => labels[k] !== OBJECT))
      expect([...deltas.subarray(4 * i, 4 * i + 4)]).toEqual([0, 0, 0, 0]);
  });
});

it('boxes for the heads begin with those of objects, and lead to them', () => {
  withRandom(40, (random) => {
    const objects = objectsOf(random, random.int(5));
    const proposals = Float64Array.from(Array.from({ length: random.int(30) }, () => box(random)).flat());
    const counts = { count: 16, objects: 4 };
    const learned = roiTargets(proposals, objects, random, { ...counts, background: 3, side: 28 });
    const { boxes, classes, deltas, masks, withObject } = learned;
    expect(withObject).toBeLessThanOrEqual(4);
    if (objects.boxes.length > 0) expect(withObject).toBeGreaterThan(0);
    const moved = decode(boxes, deltas.subarray(0, boxes.length), HEAD_SCALE);
    for (let i = 0; i < 16; i++) {
      const there = i < countOf(boxes);
      const overlaps = Array.from(objects.classes, (_, j) =>
        there ? boxIou(boxes, i, objects.boxes, j) : 0,
      );
      const best = Math.max(0, ...overlaps);
      if (i < withObject) {
        const j = overlaps.indexOf(best);
        expect(best).toBeGreaterThanOrEqual(0.5);
        expect(classes[i]).toBe(objects.classes[j]);
        expect(boxIou(moved, i, objects.boxes, j)).toBeGreaterThan(0.999);
      } else {
        expect(classes[i]).toBe(there ? 3 : -1);
        expect(best).toBeLessThan(0.5);
      }
    }
    // The object's own box is among the candidates; its mask fills it.
    for (let i = 0; i < 4; i++) {
      const filled = masks.subarray(784 * i, 784 * (i + 1)).reduce((a, b) => a + b, 0) / 784;
      if (i >= withObject) expect(filled).toBe(0);
      else expect(filled).toBeGreaterThan(0.35);
    }
  });
});

describe('what a detector learns of an image', () => {
  const plan: DetectionPlan = {
    ...{ image, levels, classes: 3, anchors: 40 },
    proposals: { ofEach: 50, kept: 30 },
    rois: { count: 8, objects: 2 },
    bins: { boxes: 7, masks: 14 },
  };

  it('depends on its random stream alone', () => {
    withRandom(5, (random) => {
      const objects = objectsOf(random, 3);
      const proposed = {
        objectness: Float32Array.from({ length: countOf(anchors) }, () => random.normal()),
        deltas: Float32Array.from({ length: anchors.length }, () => random.normal(0, 0.3)),
      };
      const key = [random.uint32(), random.uint32()] as const;
      for (const job of [
        { plan, objects, key },
        { plan, objects, key, proposed },
      ]) {
        expect(inputsOf(job)).toEqual(inputsOf(structuredClone(job)));
        expect(inputsOf(job)).not.toEqual(inputsOf({ ...job, key: [key[0], (key[1] + 1) >>> 0] }));
      }
    });
  });

  it('is nothing but background where the image has no objects', () => {
    const objects = { boxes: new Float64Array(), classes: [] };
    const random = rng(5);
    const proposed = {
      objectness: Float32Array.from({ length: countOf(anchors) }, () => random.normal()),
      deltas: new Float32Array(anchors.length),
    };
    const inputs = inputsOf({ plan, objects, key: [1, 2], proposed });
    expect([...inputs['rois:classes']!]).toEqual(new Array(8).fill(3));
    expect(inputs['masks:targets']!.some((value) => value !== 0)).toBe(false);
    expect(inputs['masks:rows:0']!.some((value) => value !== 0)).toBe(false);
  });
});

it('detections are the boxes above a score that no better one of their class overlaps', () => {
  withRandom(20, (random) => {
    const count = random.int(20);
    const proposals = Float64Array.from(Array.from({ length: count }, () => box(random)).flat());
    const probabilities = Float32Array.from({ length: 3 * count }, () => random.uniform());
    const deltas = Float32Array.from({ length: 8 * count }, () => random.normal(0, 2));
    const options = { classes: 2, least: random.uniform(), most: whole(random, 1, 20) };
    const { boxes, scores, classes } = detectionsOf(proposals, image, { probabilities, deltas }, options);
    expect(scores.length).toBeLessThanOrEqual(options.most);
    expect([...scores]).toEqual([...scores].sort((a, b) => b - a));
    for (const [i, score] of scores.entries()) {
      expect(score).toBeGreaterThan(options.least);
      const from = [...Array(count).keys()].find((k) => probabilities[3 * k + classes[i]!] === score)!;
      const own = decode(
        proposals.slice(4 * from, 4 * from + 4),
        deltas.subarray(8 * from + 4 * classes[i]!, 8 * from + 4 * classes[i]! + 4),
        HEAD_SCALE,
      );
      expect([...boxes.subarray(4 * i, 4 * i + 4)]).toEqual([...clipped(own, image)]);
      for (let j = 0; j < i; j++)
        if (classes[j] === classes[i]) expect(boxIou(boxes, i, boxes, j)).toBeLessThanOrEqual(0.5);
    }
  });
});
