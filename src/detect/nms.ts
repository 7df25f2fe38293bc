import { boxIou } from './boxes.ts';
import type { Boxes } from './rows.ts';

/** Numbers of the largest values, falling; of equal ones the first comes first. NaN is not among them. */
export function largest(values: ArrayLike<number>, count = values.length): Int32Array {
  const known = new Float64Array(values.length);
  let found = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isNaN(values[i]!)) known[found++] = values[i]!;
  const least = found > count ? known.subarray(0, found).sort()[found - count]! : Number.NEGATIVE_INFINITY;
  const some: number[] = [];
  for (let i = 0; i < values.length; i++) if (values[i]! >= least) some.push(i);
  return Int32Array.from(some.sort((i, j) => values[j]! - values[i]!).slice(0, count)); // a stable sort
}

/**
 * Non-maximum suppression: the numbers of the boxes that are kept, by falling score. A box is dropped where its intersection over union
 * with one that is kept exceeds `threshold`; boxes of different groups (classes, levels) do not meet.
 */
export function suppressed(
  boxes: Boxes,
  scores: ArrayLike<number>,
  threshold: number,
  groups?: ArrayLike<number>,
): Int32Array {
  const kept: number[] = [];
  const byGroup = new Map<number, number[]>();
  for (const i of largest(scores)) {
    const group = groups?.[i] ?? 0;
    const rivals = byGroup.get(group) ?? [];
    byGroup.set(group, rivals);
    if (rivals.some((j) => boxIou(boxes, j, boxes, i) > threshold)) continue;
    rivals.push(i);
    kept.push(i);
  }
  return Int32Array.from(kept);
}
