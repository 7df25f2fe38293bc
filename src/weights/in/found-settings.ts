import type { Size } from '../../image/size.ts';
import type { EvaluationView } from '../../image/view.ts';
import type { Pooling } from '../../models/classifier.ts';
import type { PixelNormalisation } from '../../nn/targets/pixels.ts';

/** Settings that the shapes of weights do not determine, as far as the file or its folder gives them. */
export interface FoundSettings {
  /** Files and fields that gave them. */
  readonly from: readonly string[];
  readonly heads?: number | undefined;
  readonly decoderHeads?: number | undefined;
  readonly epsilon?: number | undefined;
  /** Size of the model's images. */
  readonly image?: Size | undefined;
  /** Possible sizes of the model's images; its positions take precedence. */
  readonly likelyImages?: readonly Size[] | undefined;
  /** True if the class token has a position. */
  readonly placedToken?: boolean | undefined;
  readonly target?: PixelNormalisation | undefined;
  readonly pooling?: Pooling | undefined;
  /** Blocks whose output a head of segmentation takes, counted from 0. */
  readonly taps?: readonly number[] | undefined;
  /** Sides of its pooled maps. */
  readonly pools?: readonly number[] | undefined;
  /** First values of the scales of the blocks' branches. */
  readonly layerScale?: number | undefined;
  /** Blocks at the end that nothing reads. */
  readonly unreadLayers?: number | undefined;
  /** Names of the classes by number. */
  readonly classes?: Readonly<Record<string, string>> | undefined;
  /** Meaning of the head's outputs. Default: scores of mutually exclusive classes. */
  readonly problem?: 'multi-label' | 'regression' | undefined;
  /** Mean of pixels in [0, 1]; a single number applies to all channels. */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  /** Fraction of the shorter side in a view. */
  readonly evaluationCrop?: number | undefined;
  /** The evaluation view for an image size. Throws FileFormatError if it is impossible. */
  readonly view?: ((image: Size) => EvaluationView) | undefined;
}
