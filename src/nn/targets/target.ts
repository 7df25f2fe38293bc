import type { Tensor } from '../../graph/index.ts';
import type { Normalisation } from '../../image/normalise.ts';
import type { Geometry } from '../../image/size.ts';

/** Context of a target beside the image. */
export type TargetContext = Geometry & Normalisation;

/** A target: the values that a decoder predicts for each token. */
export interface Target {
  /** One line. */
  readonly summary: string;
  /** Explanation of a reconstruction, in one sentence; for targets that can be drawn. */
  readonly explanation?: string;
  /** Number of values per token. Throws RangeError if the target does not fit the geometry. */
  size(geometry: Geometry): number;
  /**
   * The target values for a normalised image [B, C, H, W]: [B, N, size].
   * @param tokens i32 [B, M]; if given, only these tokens' values are returned, [B, M, size]
   */
  of(image: Tensor, context: TargetContext, tokens?: Tensor): Tensor;
  /**
   * Pixels of the normalised image from predicted values [B, N, C·p²], with the help of the image itself, such as its
   * patches' means. Only for targets whose values are the pixels of a patch, in the order (channel, row, column).
   */
  toPixels?(values: Tensor, image: Tensor, context: TargetContext): Tensor;
  /** True: the values are pixels as they are, so that `toPixels` takes nothing from the image. */
  readonly plain?: boolean;
}

/** A user-defined target. Settings refer to it by name. */
export interface NamedTarget extends Target {
  readonly name: string;
}
