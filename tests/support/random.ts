import fc from 'fast-check';
import { type Rng, rng } from '../../src/random/rng.ts';

/** Multiplies the runs of tests on random numbers: rare failures show with RANDOM_RUNS=50. */
const times = Number(process.env.RANDOM_RUNS ?? 1);

/** Runs a test on random numbers. If it fails, fast-check prints the seed. */
export function withRandom(runs: number, test: (random: Rng) => void): void {
  fc.assert(
    fc.property(fc.integer(), (seed) => test(rng(seed))),
    { numRuns: runs * times },
  );
}

export function normals(random: Rng, size: number, std = 1): Float32Array {
  return Float32Array.from({ length: size }, () => random.normal(0, std));
}

/** An integer in [low, high]. */
export function whole(random: Rng, low: number, high: number): number {
  return low + random.int(high - low + 1);
}
