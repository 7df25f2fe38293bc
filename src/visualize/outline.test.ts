import { expect, it } from 'vitest';
import { whole, withRandom } from '../../tests/support/random.ts';
import { type Box, coveredBox, outlined } from './outline.ts';
import { blankImage } from './rgb-image.ts';

/** The share of each pixel that lies in a box. */
function shareOf({ top, left, bottom, right }: Box, height: number, width: number): number[] {
  const along = (low: number, high: number, i: number) =>
    Math.max(0, Math.min(high, i + 1) - Math.max(low, i));
  return Array.from(
    { length: height * width },
    (_, i) => along(top, bottom, Math.floor(i / width)) * along(left, right, i % width),
  );
}

it('finds a box again by the shares of pixels', () => {
  withRandom(50, (random) => {
    const [height, width] = [whole(random, 6, 20), whole(random, 6, 20)];
    const box = {
      ...{ top: random.uniform(0.1, 1.9), left: random.uniform(0.1, 1.9) },
      ...{ bottom: random.uniform(3.1, height), right: random.uniform(3.1, width) },
    };
    const found = coveredBox(shareOf(box, height, width), height, width)!;
    for (const side of ['top', 'left', 'bottom', 'right'] as const)
      expect(found[side]).toBeCloseTo(box[side], 2);
  });
});

it('finds none in a picture that is covered, or not at all', () => {
  expect(coveredBox(new Float32Array(12).fill(0.9999), 3, 4)).toBeUndefined();
  expect(coveredBox(new Float32Array(12), 3, 4)).toBeUndefined();
});

it('draws white within black, and nothing else', () => {
  const grey = blankImage(9, 8, 100);
  const { data } = outlined(grey, { top: 2, left: 3, bottom: 6, right: 7 });
  const rows = Array.from({ length: 8 }, (_, y) =>
    Array.from({ length: 9 }, (_, x) => ({ 0: '#', 255: 'o', 100: '.' })[data[(y * 9 + x) * 3]!]).join(''),
  );
  expect(rows).toEqual([
    '.........',
    '..######.',
    '..#oooo#.',
    '..#o..o#.',
    '..#o..o#.',
    '..#oooo#.',
    '..######.',
    '.........',
  ]);
  expect([...new Set(grey.data)]).toEqual([100]);
});
