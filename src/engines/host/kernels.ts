import type { FloatArray } from '../collective.ts';
import { adamwInPlace } from './adamw-simd.ts';

/** An update in place. One pass over the arrays; a graph of operators would need a dozen passes. */
export type Kernel = (
  weight: Float32Array,
  gradient: Float32Array,
  slots: readonly Float32Array[],
  scalars: Readonly<Record<string, number>>,
  attributes: Readonly<Record<string, number>>,
) => void;

export const kernels: Record<string, Kernel> = {
  adamw: (
    weight,
    gradient,
    slots,
    { lr, correction1, correction2, scale },
    { beta1, beta2, epsilon, weightDecay, lrScale, ema },
  ) => {
    const [m, v, average] = slots as [Float32Array, Float32Array, Float32Array?];
    const rate = lr! * lrScale!;
    adamwInPlace(weight, gradient, m, v, {
      scale: scale!,
      beta1: beta1!,
      rest1: 1 - beta1!,
      beta2: beta2!,
      rest2: 1 - beta2!,
      keep: 1 - rate * weightDecay!,
      step: rate / correction1!,
      shrink: 1 / Math.sqrt(correction2!),
      epsilon: epsilon!,
    });
    if (average) moveTowards(average, weight, ema!);
  },
};

/** average = decay · average + (1 − decay) · x */
function moveTowards(average: Float32Array, x: Float32Array, decay: number): void {
  for (let i = 0; i < average.length; i++) average[i] = decay * average[i]! + (1 - decay) * x[i]!;
}

/** Σ x², in double precision. NaN or infinite if and only if a value is. */
export function sumOfSquares(x: FloatArray): number {
  // Four partial sums, so that additions do not wait for each other.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = x.length - (x.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += x[i]! * x[i]!;
    b += x[i + 1]! * x[i + 1]!;
    c += x[i + 2]! * x[i + 2]!;
    d += x[i + 3]! * x[i + 3]!;
  }
  for (let i = whole; i < x.length; i++) a += x[i]! * x[i]!;
  return a + b + c + d;
}

export function addInto(sum: FloatArray, x: ArrayLike<number>): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + x[i]!;
}
