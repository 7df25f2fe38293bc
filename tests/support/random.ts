import fc from 'fast-check';
import { type Rng, rng } from '../../src/random/rng.ts';

/** Seed of everything random in a test file. SEED=… repeats a failure; `.ci/run` draws it from the sources. */
export const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
fc.configureGlobal({ seed });

export { fc };

/** Multiplies the runs of tests on random numbers: rare failures show with RANDOM_RUNS=50. */
const times = Number(process.env.RANDOM_RUNS ?? 1);

/** Runs a test on random numbers. If it fails, fast-check prints the seed. */
export function withRandom(runs: number, test: (random: Rng) => void): void {
  fc.assert(
    fc.property(fc.integer(), (drawn) => test(rng(drawn))),
    { numRuns: runs * times },
  );
}

const seeds = rng(seed, 'seeds');

/** Another seed at each call. */
export const freshSeed = (): number => seeds.int(2 ** 31);

export function normals(random: Rng, size: number, std = 1): Float32Array {
  return Float32Array.from({ length: size }, () => random.normal(0, std));
}

/** An integer in [low, high]. */
export function whole(random: Rng, low: number, high: number): number {
  return low + random.int(high - low + 1);
}
