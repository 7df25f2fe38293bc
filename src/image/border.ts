/** Bytes of the channels' means, for the border around an image. */
export const borderOf = (mean: readonly number[]): number[] =>
  mean.map((value) => Math.min(255, Math.max(0, Math.round(255 * value))));
