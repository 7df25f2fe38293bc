const TWO_BY_ROOT_PI = 2 / Math.sqrt(Math.PI);

/** Gauss error function to about 1e-15 (Abramowitz & Stegun, Handbook of Mathematical Functions, ch. 7). */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  return z < 2 ? series(x) : Math.sign(x) * (1 - complement(z));
}

/** 7.1.6: 2/√π · exp(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1 · 3 ⋯ (2n + 1)). All terms have the same sign. */
function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return TWO_BY_ROOT_PI * Math.exp(-x * x) * sum;
}

/** 7.1.14: 1 − erf z = exp(−z²)/√π · 1/(z + ½/(z + 1/(z + 3⁄2/(z + …)))), from the inside out. */
function complement(z: number): number {
  let tail = z;
  for (let n = 80; n > 0; n--) tail = z + n / 2 / tail;
  return Math.exp(-z * z) / Math.sqrt(Math.PI) / tail;
}
