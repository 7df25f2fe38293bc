import type { Rows } from '../algebra/moments.ts';
import { squaredDistance } from '../algebra/vectors.ts';

/** Centres of clusters, and the cluster of each row. */
export interface Clusters {
  readonly centres: Float64Array;
  readonly labels: Int32Array;
}

const TURNS = 20;

/**
 * Clusters rows by Lloyd's algorithm, at most 20 turns. It begins with rows at even distances in their order, so that the same rows have the
 * same clusters. A cluster without rows keeps its centre.
 */
export function kMeans(rows: Rows, wanted: number): Clusters {
  const { values, count, width } = rows;
  const k = Math.min(wanted, count);
  const centres = new Float64Array(k * width);
  for (let c = 0; c < k; c++) {
    const row = Math.floor((c * count) / k);
    centres.set(values.subarray(row * width, (row + 1) * width), c * width);
  }
  const labels = new Int32Array(count).fill(-1);
  for (let turn = 0; turn < TURNS; turn++) {
    if (!assign(rows, centres, labels)) break;
    const sums = new Float64Array(k * width);
    const members = new Int32Array(k);
    for (let i = 0; i < count; i++) {
      const c = labels[i]!;
      members[c]!++;
      for (let j = 0; j < width; j++) sums[c * width + j]! += values[i * width + j]!;
    }
    for (let c = 0; c < k; c++)
      if (members[c]! > 0)
        for (let j = 0; j < width; j++) centres[c * width + j] = sums[c * width + j]! / members[c]!;
  }
  return { centres, labels };
}

/** Gives each row the label of its nearest centre; true if one changed. */
function assign(rows: Rows, centres: Float64Array, labels: Int32Array): boolean {
  const { values, count, width } = rows;
  const k = centres.length / width;
  const apart = Float64Array.from({ length: k * k }, (_, i) =>
    squaredDistance(centres, Math.floor(i / k) * width, centres, (i % k) * width, width),
  );
  let changed = false;
  for (let i = 0; i < count; i++) {
    const before = labels[i]!;
    let best = Math.max(0, before);
    let least = squaredDistance(values, i * width, centres, best * width, width);
    for (let c = 0; c < k; c++) {
      // By the triangle inequality, a centre this far from the best one is no nearer to the row.
      if (c === best || apart[best * k + c]! >= 4 * least) continue;
      const distance = squaredDistance(values, i * width, centres, c * width, width);
      if (distance < least) {
        best = c;
        least = distance;
      }
    }
    changed ||= before !== best;
    labels[i] = best;
  }
  return changed;
}
