import type { Size } from '../../image/size.ts';
import type { EvaluationView } from '../../image/view.ts';
import type { Pooling } from '../../models/classifier.ts';
import type { PixelNormalisation } from '../../nn/targets/pixels.ts';

/** What the shapes of weights do not tell, as far as it was found beside them. */
export interface FoundSettings {
  /** Files and fields that told it. */
  readonly from: readonly string[];
  readonly heads?: number | undefined;
  readonly decoderHeads?: number | undefined;
  readonly epsilon?: number | undefined;
  /** The size of the model's images. */
  readonly image?: Size | undefined;
  /** Sizes that the model's images have, unless its positions say otherwise. */
  readonly likelyImages?: readonly Size[] | undefined;
  /** Whether the class token has a position. */
  readonly placedToken?: boolean | undefined;
  readonly target?: PixelNormalisation | undefined;
  readonly pooling?: Pooling | undefined;
  /** Names of the classes by their numbers. */
  readonly classes?: Readonly<Record<string, string>> | undefined;
  /** What the head's outputs are, where they are no scores of classes that exclude each other. */
  readonly problem?: 'multi-label' | 'regression' | undefined;
  /** Of pixels in [0, 1]; one number stands for all channels. */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  /** The share of the shorter side that a view keeps. */
  readonly evaluationCrop?: number | undefined;
  /** The view that evaluation makes of a picture, for images of a size. Throws FileFormatError where it cannot be made. */
  readonly view?: ((image: Size) => EvaluationView) | undefined;
}
