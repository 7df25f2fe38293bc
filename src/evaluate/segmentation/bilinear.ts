import type { Steps } from '../../image/bilinear.ts';

/** Maps [rows, columns, channels]. */
export interface Maps {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  readonly data: Float32Array;
}

/**
 * Adds row `y` of the resized maps, times `weight`, to `out` [columns, channels], starting at column `at`.
 * @param down steps along the rows of the maps, @param across along their columns
 */
export function addResizedRow(
  { columns, channels, data }: Maps,
  y: number,
  { down, across }: { readonly down: Steps; readonly across: Steps },
  out: Float64Array,
  at: number,
  weight = 1,
): void {
  const [upper, lower] = [down.first[y]!, down.second[y]!].map((row) => row * columns * channels) as [
    number,
    number,
  ];
  const b = down.share[y]! * weight;
  const a = weight - b;
  for (let x = 0; x < across.first.length; x++) {
    const left = across.first[x]! * channels;
    const right = across.second[x]! * channels;
    const s = across.share[x]!;
    const to = (at + x) * channels;
    for (let c = 0; c < channels; c++) {
      const above = data[upper + left + c]! * (1 - s) + data[upper + right + c]! * s;
      const below = data[lower + left + c]! * (1 - s) + data[lower + right + c]! * s;
      out[to + c]! += a * above + b * below;
    }
  }
}
