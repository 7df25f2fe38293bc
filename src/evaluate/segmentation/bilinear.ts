/** For each of `to` places along a side the two places among `from` that it lies between, and the share of the second one. */
export interface Steps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float64Array;
}

/** Bilinear interpolation along a side, as PyTorch's `interpolate(mode='bilinear', align_corners=False)`: no smoothing when shrinking. */
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
 * Row `y` of maps that are enlarged to the size of the steps, times `weight`, added to `out` [columns, channels] from column `at` on.
 * @param down steps from the maps' rows, @param across from their columns
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
