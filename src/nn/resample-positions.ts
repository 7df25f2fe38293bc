import type { Size } from '../image/size.ts';

/**
 * Resamples a position table [first + rows · columns, width] (row-major) to another grid, bicubically. The first
 * `first` rows (class token) are copied. As timm's `resample_abs_pos_embed`: torch's bicubic with antialias, a =
 * −0.5.
 */
export function resamplePositions(
  table: Float32Array,
  { from, to, first, width }: { from: Size; to: Size; first: number; width: number },
): Float32Array {
  const [down, across] = [bicubicWeights(from[0], to[0]), bicubicWeights(from[1], to[1])];
  const out = new Float32Array((first + to[0] * to[1]) * width);
  out.set(table.subarray(0, first * width));
  for (let y = 0; y < to[0]; y++)
    for (let x = 0; x < to[1]; x++) {
      const place = (first + y * to[1] + x) * width;
      for (const [row, a] of down[y]!)
        for (const [column, b] of across[x]!) {
          const source = (first + row * from[1] + column) * width;
          for (let d = 0; d < width; d++) out[place + d]! += a * b * table[source + d]!;
        }
    }
  return out;
}

/** Bicubic weights along one side: for each of `to` outputs, the inputs among `from` and their weights. */
function bicubicWeights(from: number, to: number): [place: number, weight: number][][] {
  const scale = from / to;
  const stretch = Math.max(scale, 1); // the filter widens when it reduces
  return Array.from({ length: to }, (_, i) => {
    const centre = scale * (i + 0.5);
    const start = Math.max(0, Math.trunc(centre - 2 * stretch + 0.5));
    const end = Math.min(from, Math.trunc(centre + 2 * stretch + 0.5));
    const raw = Array.from({ length: end - start }, (_, k) => cubic((start + k + 0.5 - centre) / stretch));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return raw.map((weight, k) => [start + k, weight / sum]);
  });
}

/** Keys' cubic kernel with a = −0.5. */
function cubic(x: number): number {
  const [a, t] = [-0.5, Math.abs(x)];
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

/** A table of relative positions for another grid, bicubic; its last `extra` rows, those of a class token, stay. */
export function resampleRelative(
  table: Float32Array,
  {
    from,
    to,
    extra,
    heads,
  }: { readonly from: Size; readonly to: Size; readonly extra: number; readonly heads: number },
): Float32Array {
  const differences = ([rows, columns]: Size): Size => [2 * rows - 1, 2 * columns - 1];
  const places = table.length - extra * heads;
  const resampled = resamplePositions(table.subarray(0, places), {
    ...{ from: differences(from), to: differences(to) },
    ...{ first: 0, width: heads },
  });
  const all = new Float32Array(resampled.length + extra * heads);
  all.set(resampled);
  all.set(table.subarray(places), resampled.length);
  return all;
}
