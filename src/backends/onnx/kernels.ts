/** Updates written as plain loops over the arrays, in place: a fraction of the time that a graph of small operators takes. */
export type Kernel = (
  weight: Float32Array,
  gradient: Float32Array,
  slots: readonly Float32Array[],
  scalars: Readonly<Record<string, number>>,
  attributes: Readonly<Record<string, number>>,
) => void;

export const kernels: Record<string, Kernel> = {
  adamw: (
    w,
    g,
    slots,
    { lr, correction1, correction2, scale },
    { beta1, beta2, epsilon, weightDecay, lrScale },
  ) => {
    const [m, v] = slots as [Float32Array, Float32Array];
    const rate = lr! * lrScale!;
    const keep = 1 - rate * weightDecay!;
    const step = rate / correction1!;
    const shrink = 1 / Math.sqrt(correction2!);
    const [b1, b2, eps, s] = [beta1!, beta2!, epsilon!, scale!];
    const [a1, a2] = [1 - b1, 1 - b2];
    for (let i = 0; i < w.length; i++) {
      const gi = g[i]! * s;
      const mi = b1 * m[i]! + a1 * gi;
      const vi = b2 * v[i]! + a2 * gi * gi;
      m[i] = mi;
      v[i] = vi;
      w[i] = keep * w[i]! - (step * mi) / (Math.sqrt(vi) * shrink + eps);
    }
  },
};

/** Σ x², in double precision. NaN or infinite exactly when a value is. */
export function sumOfSquares(x: Float32Array): number {
  // Four running sums: the additions need not wait for each other.
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

export function addInto(sum: Float32Array, x: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + x[i]!;
}
