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
