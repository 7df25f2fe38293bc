import { reshape, sliceAxis, type Tensor } from '../graph/index.ts';
import type { Rng } from '../random/rng.ts';
import type { BranchScales } from './block.ts';

/** Probability of dropping a branch, by block: grows linearly with depth from 0 to `rate` (arXiv 1603.09382). */
export function dropPathRates(rate: number, depth: number): number[] {
  return Array.from({ length: depth }, (_, i) => (depth === 1 ? 0 : (rate * i) / (depth - 1)));
}

/**
 * Scales of one image's branches [depth, 2]: 0 if dropped, else 1 / (1 − probability), which preserves the mean. The
 * two branches of a block are drawn independently.
 */
export function dropPathScales(rng: Rng, rate: number, depth: number): Float32Array {
  return Float32Array.from(
    dropPathRates(rate, depth).flatMap((drop) => [drop, drop]),
    (drop) => (rng.uniform() < drop ? 0 : 1 / (1 - drop)),
  );
}

/** Scales of block `i`, from the scales of all blocks f32 [B, depth, 2]. */
export function branchScales(dropPath: Tensor, i: number): BranchScales {
  const of = (branch: number) =>
    reshape(sliceAxis(sliceAxis(dropPath, 1, i, i + 1), 2, branch, branch + 1), [-1, 1, 1]);
  return [of(0), of(1)];
}
