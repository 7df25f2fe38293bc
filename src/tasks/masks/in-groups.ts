import type { Rng } from '../../random/rng.ts';

/** Tokens ordered by the group of each, i32 [N], lowest first; those of one group in random order. */
export function inGroups(groups: Int32Array, rng: Rng): Int32Array {
  const shuffled = rng.permutation(groups.length);
  return shuffled.sort((a, b) => groups[a]! - groups[b]!); // stable
}
