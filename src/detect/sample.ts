import type { Rng } from '../random/rng.ts';

/** Some of the numbers, chosen at random without repeats, in random order. */
export function someOf(rng: Rng, numbers: readonly number[], count: number): number[] {
  const order = Int32Array.from(numbers);
  const some = Math.max(0, Math.min(count, order.length));
  for (let i = 0; i < some; i++) {
    const j = i + rng.int(order.length - i);
    const taken = order[j]!;
    order[j] = order[i]!;
    order[i] = taken;
  }
  return Array.from(order.subarray(0, some));
}

/** How many boxes a loss takes, and how many of them are objects at most. */
export interface SampleCounts {
  readonly count: number;
  readonly objects: number;
}

/** Objects and background for a loss, as in Faster R-CNN: background fills the rest. Fewer than `count` only where there are not enough. */
export function balanced(
  rng: Rng,
  objects: readonly number[],
  background: readonly number[],
  counts: SampleCounts,
): { readonly objects: readonly number[]; readonly background: readonly number[] } {
  const some = someOf(rng, objects, counts.objects);
  return { objects: some, background: someOf(rng, background, counts.count - some.length) };
}
