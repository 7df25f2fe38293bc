import { describe, expect, it } from 'vitest';
import { normals, seed } from '../../tests/support/random.ts';
import { evaluateProgram } from '../engines/reference/evaluate.ts';
import { input, program } from '../graph/index.ts';
import { rng } from '../random/rng.ts';
import { seenStatistics } from './seen-statistics.ts';

const geometry = { image: [6, 9], patch: 3, channels: 2 } as const;
const [rows, columns] = [2, 3];
const count = rows * columns;

/** Mean and unbiased standard deviation of a patch's channel. */
function statistics(image: ArrayLike<number>, token: number, channel: number): [number, number] {
  const [top, left] = [Math.floor(token / columns) * 3, (token % columns) * 3];
  const values = Array.from({ length: 9 }, (_, i) => {
    const [y, x] = [top + Math.floor(i / 3), left + (i % 3)];
    return image[(channel * 6 + y) * 9 + x]!;
  });
  const mean = values.reduce((sum, value) => sum + value, 0) / 9;
  return [mean, Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 8)];
}

/** 1 for the pixels of patches that are kept, [6, 9]. */
function pixelsOf(mask: readonly number[]): Float32Array {
  return Float32Array.from(
    { length: 54 },
    (_, i) => 1 - mask[Math.floor(i / 27) * columns + Math.floor((i % 9) / 3)]!,
  );
}

describe(`statistics that an encoder sees (SEED=${seed})`, () => {
  const image = normals(rng(seed, 'image'), 2 * 6 * 9);
  const run = (mask?: readonly number[]) => {
    const share = mask && input('share', [1, 1, 6, 9]);
    const picture = input('image', [1, 2, 6, 9]);
    const { drawn, means } = seenStatistics({ picture, share }, geometry);
    const values = { image, ...(mask && { share: pixelsOf(mask) }) };
    const made = evaluateProgram(program('seen', { drawn, means }), values);
    for (let token = 0; token < count; token++)
      for (const channel of [0, 1]) {
        const [mean, deviation] = statistics(made.means!, token, channel);
        expect(mean).toBeCloseTo(statistics(made.drawn!, token, channel)[0], 5);
        expect(deviation).toBeCloseTo(0, 5);
      }
    return made.drawn!;
  };

  it('are those of every patch where none is removed', () => {
    const made = run();
    for (let token = 0; token < count; token++)
      for (const channel of [0, 1])
        statistics(made, token, channel).forEach((value, i) => {
          expect(value).toBeCloseTo(statistics(image, token, channel)[i]!, 5);
        });
  });

  it('are means of the kept patches where one is removed, by the distance', () => {
    const made = run([1, 0, 0, 1, 1, 0]);
    const kept = [1, 2, 5];
    const at = (token: number) => [Math.floor(token / columns), token % columns] as const;
    const weight = (a: number, b: number) => {
      const [[y, x], [v, u]] = [at(a), at(b)];
      return Math.exp(-((y - v) ** 2 + (x - u) ** 2) / 2) + 1e-6;
    };
    for (const token of [0, 3, 4])
      for (const channel of [0, 1]) {
        const sum = kept.reduce((total, other) => total + weight(token, other), 0);
        const expected = [0, 1].map(
          (i) =>
            kept.reduce(
              (total, other) => total + weight(token, other) * statistics(image, other, channel)[i]!,
              0,
            ) / sum,
        );
        statistics(made, token, channel).forEach((value, i) => {
          expect(value).toBeCloseTo(expected[i]!, 5);
        });
      }
    for (const token of kept)
      expect(statistics(made, token, 0)[0]).toBeCloseTo(statistics(image, token, 0)[0], 5);
  });
});
