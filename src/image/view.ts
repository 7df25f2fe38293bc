import type { Size } from './size.ts';

/** Filters by the names of PIL; all but the nearest pixel are widened when shrinking. */
export const filters = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'] as const;
export type FilterName = (typeof filters)[number];

/** How a picture becomes the view that a model sees: resized, then the middle of it cut out. */
export interface EvaluationView {
  /**
   * How the picture takes on the size `resized`: it just covers it (`cover`) or just lies in it (`contain`), its aspect kept, or is
   * stretched to it. `keep` leaves it as it is.
   */
  readonly fit: 'cover' | 'contain' | 'stretch' | 'keep';
  /** Height and width in pixels. */
  readonly resized: Size;
  readonly filter: FilterName;
  /** Value from 0 to 255 of each channel around a picture that is smaller than the view. */
  readonly border: readonly number[];
  /** Whose rounding of sizes and of the cut's place holds. */
  readonly rounding: 'transformers' | 'torchvision' | 'timm';
}

/** The view in words. */
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
