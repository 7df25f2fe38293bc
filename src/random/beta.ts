import type { Rng } from './rng.ts';

/** A number in [0, 1] from the symmetric beta distribution Beta(alpha, alpha). Throws RangeError unless alpha > 0. */
export function beta(rng: Rng, alpha: number): number {
  if (!(alpha > 0)) throw new RangeError(`alpha of a beta distribution must be above 0, got ${alpha}`);
  const [a, b] = [logGamma(rng, alpha), logGamma(rng, alpha)];
  return 1 / (1 + Math.exp(b - a)); // in logarithms: small alphas underflow otherwise
}

/**
 * Logarithm of a number from the gamma distribution of this shape and scale 1 (Marsaglia & Tsang, "A simple method
 * for generating gamma variables", ACM TOMS 26, 2000; shapes below 1 as in section 6).
 */
function logGamma(rng: Rng, shape: number): number {
  if (shape < 1) return logGamma(rng, shape + 1) + Math.log(1 - rng.uniform()) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = rng.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - rng.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v);
  }
}
