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

/** One kind of random number of a task: its shape for one image, without the batch axis. */
export interface DrawSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A batch's random numbers in the graph: [B, ...shape] by name. */
export type Draws = Readonly<Record<string, Tensor>>;

/** Losses of each image of a batch; the loss of the batch is their mean. All are [B]. */
export interface Losses {
  readonly losses: Tensor;
  /** The terms of a loss that has several, unweighted. */
  readonly parts: Readonly<Record<string, Tensor>>;
}

export interface LossInputs {
  /** Of all patches, or of the removed ones at less cost: a task takes what it judges. */
  readonly prediction: Prediction;
  /** [B, C, Hv, Wv], normalised */
  readonly view: Tensor;
  readonly draws: Draws;
  /** Which tokens were removed; without it, none. */
  readonly masking?: Masking | undefined;
}

/** A way to choose the tokens that are removed. */
export interface MaskGenerator {
  /** Key in the table and in configurations: `random`, `block`, … */
  readonly name: string;
  /** In one line. */
  readonly summary: string;
  /** A permutation of an image's tokens, i32 [N], counted row by row: whatever the mask ratio, the last ones are removed. */
  order(rng: Rng, geometry: Geometry): Int32Array;
}

/** Settings of a task and its model that differ from those of most tasks. */
export interface TaskDefaults {
  /** Share of the tokens that is removed. */
  readonly maskRatio?: number;
  /** One of the table, or of the user's own by its name. */
  readonly target?: string;
  readonly decoder?: DecoderKind;
}

/**
 * A way to pre-train by recovering an image: how a view is degraded, and how a prediction of the clean image is
 * judged. Everything random is drawn on the host and enters the graph as an input.
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
  /** Settings that the task takes where none are given. */
  readonly defaults?: TaskDefaults;
  /** Size of the crop that the loader delivers for an input of size `image`. */
  view(image: Size): Size;
  /** Results of `draw`, by name. */
  draws(geometry: Geometry): Readonly<Record<string, DrawSpec>>;
  /** Random numbers of one image, from a separate stream. */
  draw(rng: Rng, geometry: Geometry): Values;
  /** Input of the encoder, before tokens are removed: view [B, C, Hv, Wv] → [B, C, H, W], both normalised. */
  degrade(view: Tensor, draws: Draws, context: TaskContext): Tensor;
  /** A second image, which the decoder sees whole: view [B, C, Hv, Wv] → [B, C, H, W], both normalised. */
  guide?(view: Tensor, draws: Draws, context: TaskContext): Tensor;
  /** The picture that is predicted: view [B, C, Hv, Wv] → [B, C, H, W], both normalised. */
  clean(view: Tensor, context: TaskContext, draws: Draws): Tensor;
  loss(inputs: LossInputs, context: TaskContext): Losses;
}
