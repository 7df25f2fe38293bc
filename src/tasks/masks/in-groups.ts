import type { Rng } from '../../random/rng.ts';

/** Tokens sorted by their group, i32 [N], lowest first; random order within a group. */
export function inGroups(groups: Int32Array, rng: Rng): Int32Array {
  const shuffled = rng.permutation(groups.length);
  return shuffled.sort((a, b) => groups[a]! - groups[b]!); // stable
}
