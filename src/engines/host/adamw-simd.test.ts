import { expect, it } from 'vitest';
import { seed } from '../../../tests/support/random.ts';
import { rng } from '../../random/rng.ts';
import { adamwInPlace } from './adamw-simd.ts';

const values = {
  scale: 0.5,
  beta1: 0.9,
  rest1: 0.1,
  beta2: 0.95,
  rest2: 0.05,
  keep: 0.9999,
  step: 1e-3,
  shrink: 1.2,
  epsilon: 1e-8,
};

// Lengths around a vector and around a chunk of scratch memory.
it.each([1, 3, 4, 5, 2 ** 15 - 1, 2 ** 15, 2 ** 15 + 1, 70_001])(
  '%i weights move as in double precision',
  (length) => {
    const stream = rng(seed);
    const normal = (scale: number) => Float32Array.from({ length }, () => stream.normal(0, scale));
    const [w, g, m] = [normal(0.02), normal(1e-3), normal(1e-4)];
    const v = normal(1e-4).map(Math.abs);
    const expected = Array.from(w, (weight, i) => {
      const gradient = g[i]! * values.scale;
      const nextM = values.beta1 * m[i]! + values.rest1 * gradient;
      const nextV = values.beta2 * v[i]! + values.rest2 * gradient ** 2;
      const move = (values.step * nextM) / (Math.sqrt(nextV) * values.shrink + values.epsilon);
      return [values.keep * weight - move, nextM, nextV] as const;
    });
    adamwInPlace(w, g, m, v, values);
    const scales = [0.02, 1e-4, 1e-4];
    expected.forEach((numbers, i) => {
      [w, m, v].forEach((array, k) => {
        expect(Math.abs(array[i]! - numbers[k]!) / scales[k]!, `seed ${seed}`).toBeLessThan(1e-6);
      });
    });
  },
);
