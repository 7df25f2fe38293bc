import type { Size } from './size.ts';

/** Resampling filters by PIL's names. All but `nearest` widen when they reduce. */
export const filters = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'] as const;
export type FilterName = (typeof filters)[number];

/** Deterministic view of a picture for evaluation: resize, then centre crop. */
export interface EvaluationView {
  /**
   * How the picture is resized to `resized`: `cover` and `contain` keep the aspect ratio (at least, at most this
   * size), `stretch` does not. `keep` does not resize.
   */
  readonly fit: 'cover' | 'contain' | 'stretch' | 'keep';
  /** Height and width in pixels. */
  readonly resized: Size;
  readonly filter: FilterName;
  /** Border value of each channel, 0 to 255, around a picture smaller than the view. */
  readonly border: readonly number[];
  /** The library whose rounding of sizes and crop offsets applies. */
  readonly rounding: 'transformers' | 'torchvision' | 'timm';
}

/** The view in words, for messages. */
export function describeView({ fit, resized: [height, width], filter }: EvaluationView): string {
  const size = `${height} × ${width}`;
  const how = {
    cover: `resized (${filter}), aspect kept, so that it just covers ${size}`,
    contain: `resized (${filter}), aspect kept, so that it just lies in ${size}`,
    stretch: `stretched (${filter}) to ${size}`,
    keep: 'not resized',
  }[fit];
  return `${how}, centre cut out`;
}
