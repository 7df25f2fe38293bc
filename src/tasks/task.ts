import type { DType, Shape, Tensor, Values } from '../graph/index.ts';
import type { Geometry, Size } from '../image/size.ts';
import type { Prediction } from '../models/decoder.ts';
import type { Masking } from '../nn/masking.ts';
import type { TargetContext } from '../nn/target.ts';
import type { Rng } from '../random/rng.ts';

/** What a task's graph needs to know beside its tensors. */
export type TaskContext = TargetContext;

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

/**
 * A way to pre-train by recovering an image: how a view is degraded, and how a prediction of the clean image is
 * judged. Everything random is drawn on the host and enters the graph as an input.
 */
export interface PretextTask {
  /** Key in the table and in configurations: `zoomed-in`, `masked+zoomed-in`, … */
  readonly name: string;
  /** What it does to an image, in one line. */
  readonly summary: string;
  /** Number of channels that images must have; any number if absent. */
  readonly channels?: number;
  /** Whether tokens are removed: by the draw `order`, of which the first ones are kept. */
  readonly masks: boolean;
  /** Size of the crop that the loader delivers for an input of size `image`. */
  view(image: Size): Size;
  /** What `draw` yields, by name. */
  draws(geometry: Geometry): Readonly<Record<string, DrawSpec>>;
  /** One image's random numbers, from a stream of its own. */
  draw(rng: Rng, geometry: Geometry): Values;
  /** What the encoder sees, before tokens are removed: view [B, C, Hv, Wv] → [B, C, H, W], both normalised. */
  degrade(view: Tensor, draws: Draws, context: TaskContext): Tensor;
  /** The picture that the prediction stands for: view [B, C, Hv, Wv] → [B, C, H, W], both normalised. */
  clean(view: Tensor, context: TaskContext): Tensor;
  loss(inputs: LossInputs, context: TaskContext): Losses;
}
