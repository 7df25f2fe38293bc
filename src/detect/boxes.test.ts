import { expect, it } from 'vitest';
import { seed } from '../../tests/support/random.ts';
import { rng } from '../random/rng.ts';
import { boxArea, boxIou, boxIous } from './boxes.ts';

it('overlaps are shares of pixels', () => {
  const random = rng(seed);
  const side = 12;
  const box = () => {
    const [x, y] = [random.int(side), random.int(side)];
    return [x, y, x + random.int(side - x + 1), y + random.int(side - y + 1)];
  };
  const rows = Array.from({ length: 30 }, box);
  const boxes = Float64Array.from(rows.flat());
  const pixels = rows.map(([x1, y1, x2, y2]) =>
    Array.from({ length: side * side }, (_, i) => {
      const [x, y] = [i % side, Math.floor(i / side)];
      return x >= x1! && x < x2! && y >= y1! && y < y2!;
    }),
  );
  const count = (of: (i: number) => boolean) => [...Array(side * side).keys()].filter(of).length;
  const crowds = rows.map(() => random.int(2));
  const ious = boxIous(boxes, boxes, crowds);
  for (const [i, a] of pixels.entries()) {
    expect(boxArea(boxes, i)).toBe(count((k) => a[k]!));
    for (const [j, b] of pixels.entries()) {
      const both = count((k) => a[k]! && b[k]!);
      const whole = count((k) => a[k]! || (!crowds[j] && b[k]!));
      expect(ious[30 * i + j], `seed ${seed}`).toBeCloseTo(both === 0 ? 0 : both / whole, 14);
    }
  }
});

it('boxes without an inside overlap nothing', () => {
  const boxes = Float32Array.of(0, 0, 4, 4, 2, 2, 2, 3, 3, 3, 1, 1);
  expect([0, 1, 2].map((i) => boxArea(boxes, i))).toEqual([16, 0, 0]);
  expect([...boxIous(boxes, boxes)]).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect(boxIou(boxes, 1, boxes, 0, true)).toBe(0);
});
