import { expect, it } from 'vitest';
import { degradeOne, imagenet } from '../../tests/support/degrade.ts';
import { evaluate } from '../../tests/support/evaluate.ts';
import { normals, whole, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { constant } from '../graph/index.ts';
import type { Size } from '../image/size.ts';
import { areaResize } from '../nn/area.ts';
import { rng } from '../random/rng.ts';
import { crossZoom } from './cross-zoom.ts';

it.each([
  [224, 320],
  [32, 46],
  [28, 40],
  [12, 17],
])('an input of %i needs a view of %i', (side, view) => {
  expect(crossZoom.view([side, 224])).toEqual([view, 320]);
});

/** The crop, pixel by pixel. */
function naive(
  view: Float32Array,
  [rows, columns]: Size,
  [height, width]: Size,
  [top, left, side]: number[],
) {
  const sample = (y: number, x: number) => {
    const [row, column] = [Math.min(Math.floor(y), rows - 2), Math.min(Math.floor(x), columns - 2)];
    const pixel = (r: number, c: number) => view[(row + r) * columns + column + c]!;
    const [v, h] = [y - row, x - column];
    return (
      (1 - v) * ((1 - h) * pixel(0, 0) + h * pixel(0, 1)) + v * ((1 - h) * pixel(1, 0) + h * pixel(1, 1))
    );
  };
  const place = (start: number, share: number, from: number) =>
    Math.min(from - 1, Math.max(0, (start + side! * share) * from - 0.5));
  return Array.from({ length: height * width }, (_, i) =>
    sample(
      place(top!, (Math.floor(i / width) + 0.5) / height, rows),
      place(left!, ((i % width) + 0.5) / width, columns),
    ),
  );
}

it('samples a part of the view bilinearly, its border extended', () => {
  withRandom(20, (random) => {
    const image = [whole(random, 2, 12), whole(random, 2, 12)] as const;
    const size = crossZoom.view(image);
    const view = normals(random, size[0] * size[1]);
    const side = random.uniform(0.2, 1);
    // In a corner now and then, where the first and last samples lie beyond the centres of the border's pixels.
    const start = () => [0, 1 - side, random.uniform(0, 1 - side)][random.int(3)]!;
    const parts = [start(), start(), side];
    const [top, left, share] = parts.map((part) => Float32Array.of(part));
    const got = degradeOne(crossZoom, image, view, { top: top!, left: left!, side: share! });
    expect(relativeError(got, naive(view, size, image, parts))).toBeLessThan(1e-5);
  });
});

it('recovers the crop, and shows the whole view beside it', () => {
  withRandom(3, (random) => {
    const image = [8, 12] as const;
    const context = { image, patch: 4, channels: 1, target: 'none', mean: [0], std: [1] } as const;
    const view = constant(normals(random, 11 * 17), [1, 1, 11, 17]);
    const draws = Object.fromEntries(
      Object.entries(crossZoom.draw(random, context)).map(([name, data]) => [name, constant(data, [1])]),
    );
    const crop = evaluate(crossZoom.degrade(view, draws, context));
    expect(evaluate(crossZoom.clean(view, context, draws))).toEqual(crop);
    expect(evaluate(crossZoom.guide!(view, draws, context))).toEqual(evaluate(areaResize(view, image)));
  });
});

it('draws crops of 30 to 60 % of the area, anywhere in the view', () => {
  withRandom(2, (random) => {
    const seed = random.uint32();
    const geometry = { image: [8, 8], patch: 8, channels: 3, ...imagenet } as const;
    const drawn = Array.from({ length: 2000 }, (_, i) => crossZoom.draw(rng(seed, i), geometry));
    const areas = drawn.map(({ side }) => side![0]! ** 2);
    expect(Math.min(...areas)).toBeGreaterThan(0.3 - 1e-6);
    expect(Math.max(...areas)).toBeLessThan(0.6 + 1e-6);
    expect(areas.reduce((a, b) => a + b) / 2000).toBeCloseTo(0.45, 1);
    for (const start of ['top', 'left'] as const) {
      const room = drawn.map((one) => one[start]![0]! / (1 - one.side![0]!));
      expect(Math.min(...room)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...room)).toBeLessThanOrEqual(1 + 1e-6);
      expect(room.reduce((a, b) => a + b) / 2000).toBeCloseTo(0.5, 1);
    }
  });
});
