import { type Rle, Runs, rleArea, rleBox } from './rle.ts';

/**
 * The union of masks, or the pixels that all of them have. Throws RangeError for masks of different sizes, and for none.
 */
export function mergeRles(masks: readonly Rle[], how: 'union' | 'intersection' = 'union'): Rle {
  const [first, ...others] = masks;
  if (!first) throw new RangeError('masks to be merged must be at least one, got none');
  return others.reduce((merged, mask) => {
    requireSameSize(merged, mask);
    const runs = new Runs();
    walk(merged, mask, (from, to, a, b) => {
      if (how === 'union' ? a || b : a && b) runs.add(from, to);
    });
    return runs.end(first.size);
  }, first);
}

/**
 * Intersection over union of two masks, in [0, 1]. If `b` is a crowd's, the intersection over the area of `a`, as COCO defines it.
 * Throws RangeError for masks of different sizes.
 */
export function maskIou(a: Rle, b: Rle, crowd = false): number {
  requireSameSize(a, b);
  const both = intersection(a, b);
  if (both === 0) return 0;
  const area = rleArea(a);
  return both / (crowd ? area : area + rleArea(b) - both);
}

/** `maskIou` of every pair: Float64Array [masks of a, masks of b]. @param crowds true (or 1) for each of `b` that is a crowd's */
export function maskIous(
  a: readonly Rle[],
  b: readonly Rle[],
  crowds?: ArrayLike<boolean | number>,
): Float64Array {
  const out = new Float64Array(a.length * b.length);
  const [boxesOfA, boxesOfB] = [a.map(rleBox), b.map(rleBox)];
  for (const [i, mask] of a.entries())
    for (const [j, other] of b.entries())
      if (meet(boxesOfA[i]!, boxesOfB[j]!))
        out[i * b.length + j] = maskIou(mask, other, Boolean(crowds?.[j]));
  return out;
}

type Box = readonly [number, number, number, number];

const meet = (a: Box, b: Box) =>
  Math.min(a[2], b[2]) > Math.max(a[0], b[0]) && Math.min(a[3], b[3]) > Math.max(a[1], b[1]);

/** Number of pixels that both masks have. */
function intersection(a: Rle, b: Rle): number {
  let both = 0;
  walk(a, b, (from, to, inA, inB) => {
    if (inA && inB) both += to - from;
  });
  return both;
}

/** Visits all stretches of pixels over which neither mask changes, in their order. */
function walk(
  { counts: a }: Rle,
  { counts: b }: Rle,
  visit: (from: number, to: number, inA: boolean, inB: boolean) => void,
): void {
  let [i, j, at] = [0, 0, 0];
  let [endA, endB] = [a[0] ?? 0, b[0] ?? 0];
  while (i < a.length && j < b.length) {
    const to = Math.min(endA, endB);
    if (to > at) visit(at, to, i % 2 === 1, j % 2 === 1);
    at = to;
    if (endA === to) endA += a[++i] ?? 0;
    if (endB === to) endB += b[++j] ?? 0;
  }
}

function requireSameSize({ size: a }: Rle, { size: b }: Rle): void {
  if (a[0] !== b[0] || a[1] !== b[1])
    throw new RangeError(`masks must have the same size, got ${a.join(' × ')} and ${b.join(' × ')}`);
}
