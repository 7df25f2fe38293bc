/** For each target position along a side: its two neighbouring source positions, and the weight of the second. */
export interface Steps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float64Array;
}

/** Steps from `from` to `to` pixels as in PyTorch's `interpolate(mode='bilinear', align_corners=False)`, without antialiasing. */
export function bilinearSteps(from: number, to: number): Steps {
  const steps = { first: new Int32Array(to), second: new Int32Array(to), share: new Float64Array(to) };
  for (let i = 0; i < to; i++) {
    const place = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const first = Math.min(Math.floor(place), from - 1);
    steps.first[i] = first;
    steps.second[i] = Math.min(first + 1, from - 1);
    steps.share[i] = place - first;
  }
  return steps;
}

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
