import { expect, it } from 'vitest';
import { evaluate } from '../../tests/support/evaluate.ts';
import { normals, whole, withRandom } from '../../tests/support/random.ts';
import { relativeError } from '../../tests/support/task-fixture.ts';
import { constant, sizeOf } from '../graph/index.ts';
import type { Size } from '../image/size.ts';
import { columnCounts, lowFrequencies, lowPass, spectrum } from './fourier.ts';

/** One frequency of an image [H, W], by the definition: the sum of x · e^(−2πi(ky/H + lx/W)). */
function frequencyOf(image: Float32Array, [height, width]: Size, k: number, l: number) {
  let [re, im] = [0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const angle = -2 * Math.PI * ((k * y) / height + (l * x) / width);
      re += image[y * width + x]! * Math.cos(angle);
      im += image[y * width + x]! * Math.sin(angle);
    }
  return { re, im };
}

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);
const signed = (n: number) => range(-Math.floor(n / 2), Math.ceil(n / 2));

it('is the orthonormal transform by its definition', () => {
  withRandom(20, (random) => {
    const size = [whole(random, 1, 9), whole(random, 1, 9)] as const;
    const [height, width] = size;
    const shape = [2, 2, height, width];
    const image = normals(random, sizeOf(shape));
    const { re, im } = spectrum(constant(image, shape));
    const expected = range(0, 4).flatMap((i) => {
      const one = image.slice(i * height * width, (i + 1) * height * width);
      return range(0, height).flatMap((k) =>
        range(0, Math.floor(width / 2) + 1).map((l) => frequencyOf(one, size, k, l)),
      );
    });
    const unit = Math.sqrt(height * width);
    const [wantedRe, wantedIm] = [expected.map(({ re }) => re / unit), expected.map(({ im }) => im / unit)];
    expect(relativeError(evaluate(re), wantedRe)).toBeLessThan(1e-6);
    const imaginary = wantedIm.map((value, i) => value - evaluate(im)[i]!);
    expect(Math.max(...imaginary.map(Math.abs))).toBeLessThan(1e-6);
    // Parseval: with their counts, the computed columns have the energy of the image.
    const counts = columnCounts(size);
    const energy = evaluate(re).reduce((sum, value, i) => {
      return sum + counts[i % counts.length]! * (value ** 2 + evaluate(im)[i]! ** 2);
    }, 0);
    expect(energy / image.reduce((sum, value) => sum + value ** 2, 0)).toBeCloseTo(1, 5);
  });
});

it('a low-pass filter keeps the waves inside of the circle', () => {
  withRandom(20, (random) => {
    const size = [whole(random, 1, 12), whole(random, 1, 12)] as const;
    const [height, width] = size;
    const radius = random.uniform(0.02, 0.6);
    const image = normals(random, height * width);
    const expected = new Array(height * width).fill(0);
    for (const k of signed(height))
      for (const l of signed(width)) {
        if ((k / height) ** 2 + (l / width) ** 2 >= radius ** 2) continue;
        const { re, im } = frequencyOf(image, size, k, l);
        for (const [i] of expected.entries()) {
          const angle = 2 * Math.PI * ((k * Math.floor(i / width)) / height + (l * (i % width)) / width);
          expected[i] += (re * Math.cos(angle) - im * Math.sin(angle)) / (height * width);
        }
      }
    const got = evaluate(lowPass(constant(image, [1, 1, height, width]), radius));
    // A filter may leave almost nothing of an image: errors are not relative to that.
    const errors = expected.map((value, i) => Math.abs(value - got[i]!));
    expect(Math.max(...errors)).toBeLessThan(1e-5);
  });
});

it.each([
  [28, 3, 4],
  [28, 4, -3],
  [56, 6, 8],
  [224, 24, -32],
  [364, 16, 63],
])('a frequency on the circle is a high one: %i pixels, (%i, %i)', (side, l, k) => {
  const low = lowFrequencies([side, side], 40 / 224);
  const at = (row: number, column: number) =>
    low[((row + side) % side) * (Math.floor(side / 2) + 1) + column];
  expect(at(k, l)).toBe(0);
  expect(at(k, l - 1)).toBe(1);
  expect(at(0, (40 / 224) * side)).toBe(0);
});

it('a flat picture passes a low-pass filter as it is', () => {
  withRandom(5, (random) => {
    const size = [whole(random, 1, 40), whole(random, 1, 40)] as const;
    const image = new Float32Array(size[0] * size[1]).fill(random.normal());
    expect(evaluate(lowPass(constant(image, [1, 1, ...size]), 40 / 224))).toEqual([...image]);
  });
});
