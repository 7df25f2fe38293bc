import type { Tensor } from '../../graph/index.ts';
import type { Normalisation } from '../../image/normalise.ts';
import type { Geometry } from '../../image/size.ts';

/** Context of a target beside the image. */
export type TargetContext = Geometry & Normalisation;

/** A target: the values that a decoder predicts for each token. */
export interface Target {
  /** In one line. */
  readonly summary: string;
  /** Explanation of a reconstruction, in one sentence; for targets that can be drawn. */
  readonly explanation?: string;
  /** Number of values of a token. Throws RangeError for images that the target does not fit. */
  size(geometry: Geometry): number;
  /**
   * The values to predict of a normalised image [B, C, H, W]: [B, N, size].
   * @param tokens i32 [B, M]: where given, the values of these tokens alone, [B, M, size]
   */
  of(image: Tensor, context: TargetContext, tokens?: Tensor): Tensor;
  /**
   * Pixels of the normalised image from predicted values [B, N, C·p²], with the help of the image itself, such as its
   * patches' means. Only for targets whose values are the pixels of a patch, in the order (channel, row, column).
   */
  toPixels?(values: Tensor, image: Tensor, context: TargetContext): Tensor;
}

/** A target of the user's own, which settings name. */
export interface NamedTarget extends Target {
  readonly name: string;
}
