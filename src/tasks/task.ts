import type { DType, Shape, Tensor, Values } from '../graph/index.ts';
import type { Geometry, Size } from '../image/size.ts';
import type { DecoderKind } from '../models/config.ts';
import type { Prediction } from '../models/decoders/decoder.ts';
import type { Masking } from '../nn/masking.ts';
import type { TargetChoice } from '../nn/targets/table.ts';
import type { TargetContext } from '../nn/targets/target.ts';
import type { Rng } from '../random/rng.ts';

/** Context of a task's graph beside its tensors. */
export interface TaskContext extends TargetContext {
  /** Predictions of the decoder. */
  readonly target: TargetChoice;
}

/** The shape of a task's random tensor for one image, without the batch axis, and its type. */
export interface DrawSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A batch's random numbers in the graph: [B, ...shape] by name. */
export type Draws = Readonly<Record<string, Tensor>>;

/** The losses of a batch, one for each image: [B]. The loss of the batch is their mean. */
export interface Losses {
  readonly losses: Tensor;
  /** The unweighted terms, for a loss with several terms. */
  readonly parts: Readonly<Record<string, Tensor>>;
}

export interface LossInputs {
  /** Predictions of all patches, and of the removed ones only, which is cheaper: the loss takes either. */
  readonly prediction: Prediction;
  /** [B, C, Hv, Wv], normalised */
  readonly view: Tensor;
  readonly draws: Draws;
  /** The removed tokens; absent if none are removed. */
  readonly masking?: Masking | undefined;
}

/** Chooses the tokens to remove. */
export interface MaskGenerator {
  /** Key in the table and in configurations: `random`, `block`, … */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** A permutation of an image's tokens, i32 [N], counted row by row. The last ones are removed, as many as the mask ratio gives. */
  order(rng: Rng, geometry: Geometry): Int32Array;
}

/** A task's defaults for settings of the task and its model. */
export interface TaskDefaults {
  /** Share of removed tokens. */
  readonly maskRatio?: number;
  /** The name of a built-in or user-defined target. */
  readonly target?: string;
  readonly decoder?: DecoderKind;
}

/**
 * A pre-training task that recovers images: it degrades a view, and computes the loss of a prediction of the clean image.
 * Random numbers are drawn on the host and enter the graph as inputs.
 */
export interface PretextTask {
  /** Key in the table and in configurations: `zoomed-in`, `masked+zoomed-in`, … */
  readonly name: string;
  /** Its effect on an image, in one line. */
  readonly summary: string;
  /** Number of channels that images must have; any number if absent. */
  readonly channels?: number;
  /** Choice of the removed tokens, if tokens are removed: the draw `order`, whose first tokens are kept. */
  readonly mask?: MaskGenerator;
  /**
   * Inputs of the loss: the values of patches, whatever the target; the whole predicted image, of a target that is pixels; or the
   * spectrum of that image, of pixels that are not normalised.
   */
  readonly judges: 'patches' | 'image' | 'spectrum';
  /** Default settings of the task. */
  readonly defaults?: TaskDefaults;
  /** Size of the crop that the loader delivers for an input of size `image`. */
  view(image: Size): Size;
  /** Results of `draw`, by name. */
  draws(geometry: Geometry): Readonly<Record<string, DrawSpec>>;
  /** Random numbers of one image, from a separate stream. */
  draw(rng: Rng, geometry: Geometry): Values;
  /** Input of the encoder, before tokens are removed: view [B, C, Hv, Wv] → [B, C, H, W], both normalised. */
  degrade(view: Tensor, draws: Draws, context: TaskContext): Tensor;
  /** A second image, which the decoder sees in full: view [B, C, Hv, Wv] → [B, C, H, W], both normalised. */
  guide?(view: Tensor, draws: Draws, context: TaskContext): Tensor;
  /**
   * Moves maps of the encoder's input [B, C, H, W] to where the input lies in the predicted picture: a linear function, 0 where the input shows
   * nothing of the picture. Absent: both show the same places.
   */
  place?(input: Tensor, draws: Draws, context: TaskContext): Tensor;
  /** The picture that is predicted: view [B, C, Hv, Wv] → [B, C, H, W], both normalised. */
  clean(view: Tensor, context: TaskContext, draws: Draws): Tensor;
  loss(inputs: LossInputs, context: TaskContext): Losses;
}
