import { expect, it } from 'vitest';
import { evaluate } from '../../../tests/support/evaluate.ts';
import { whole, withRandom } from '../../../tests/support/random.ts';
import { constant } from '../../graph/index.ts';
import { hog } from './hog.ts';

/** Side and number of bytes a picture has, and how many of the 256 levels. */
interface Bytes {
  readonly at: (y: number, x: number) => number;
  readonly height: number;
  readonly width: number;
}

/** The histogram of one cell, pixel by pixel; angles in degrees. */
function histogram({ at, height, width }: Bytes, patch: number, cell: number, top: number, left: number) {
  const mirrored = (i: number, side: number) => (i < 0 ? -i : i >= side ? 2 * (side - 1) - i : i);
  const pixel = (y: number, x: number) => at(mirrored(y, height), mirrored(x, width));
  const bins = new Array<number>(9).fill(0);
  for (let y = top; y < top + cell; y++)
    for (let x = left; x < left + cell; x++) {
      const sum = (weight: (dy: number, dx: number) => number) =>
        [-1, 0, 1].reduce(
          (total, dy) =>
            total + [-1, 0, 1].reduce((row, dx) => row + weight(dy, dx) * pixel(y + dy, x + dx), 0),
          0,
        );
      const across = sum((dy, dx) => -dx * (dy === 0 ? 2 : 1));
      const down = sum((dy, dx) => -dy * (dx === 0 ? 2 : 1));
      const degrees = (Math.atan2(across, down) * 180) / Math.PI + 180;
      const bin = Math.floor(degrees / 20) % 9;
      const [r, q] = [y, x].map((i) => (i % patch) - (patch - 1) / 2) as [number, number];
      const spread = Math.max(1, Math.floor(patch / 2));
      bins[bin]! += Math.hypot(across, down) * Math.exp(-(r * r + q * q) / (2 * spread * spread));
    }
  const norm = Math.hypot(...bins);
  return bins.map((value) => (norm === 0 ? 0 : value / norm));
}

it('is the histogram of bytes, cell by cell', () => {
  withRandom(30, (random) => {
    const patch = [2, 3, 4, 7, 8, 12, 16][random.int(7)]!;
    const cell = patch % 8 === 0 ? 8 : patch;
    const [rows, columns, channels] = [whole(random, 1, 2), whole(random, 1, 3), whole(random, 1, 3)];
    const [height, width] = [rows * patch, columns * patch];
    const levels = whole(random, 1, 5) ** 2; // few: many pixels are equal
    const bytes = Float64Array.from({ length: channels * height * width }, () =>
      Math.floor((255 * random.int(levels)) / levels),
    );
    const mean = Array.from({ length: channels }, () => random.uniform(0.2, 0.8));
    const std = mean.map(() => random.uniform(0.1, 0.5));
    const image = bytes.map((byte, i) => {
      const c = Math.floor(i / (height * width));
      return (byte / 255 - mean[c]!) / std[c]!;
    });
    const context = { image: [height, width], patch, channels, mean, std } as const;
    const y = hog.of(constant(Float32Array.from(image), [1, channels, height, width]), context);
    const cells = patch / cell;
    expect(y.shape).toEqual([1, rows * columns, channels * 9 * cells ** 2]);
    expect(hog.size(context)).toBe(channels * 9 * cells ** 2);
    const got = evaluate(y);
    for (let n = 0; n < rows * columns; n++)
      for (let c = 0; c < channels; c++)
        for (let i = 0; i < cells ** 2; i++) {
          const top = Math.floor(n / columns) * patch + Math.floor(i / cells) * cell;
          const left = (n % columns) * patch + (i % cells) * cell;
          const at = (y: number, x: number) => bytes[(c * height + y) * width + x]!;
          const expected = histogram({ at, height, width }, patch, cell, top, left);
          for (const [bin, value] of expected.entries())
            expect(got[((n * channels + c) * 9 + bin) * cells ** 2 + i]!).toBeCloseTo(value, 4);
        }
  });
});
