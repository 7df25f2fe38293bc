import type { Tensor } from './tensor.ts';

/** How one weight is treated by an update rule. */
export interface ParameterGroup {
  /** Decoupled weight decay; 0 for biases, norms, tokens and positions. */
  readonly weightDecay: number;
  /** Multiplies the step's learning rate (layer-wise decay). */
  readonly lrScale: number;
}

/** An optimizer, as a graph: the next weight and slots of one parameter from its gradient. */
export interface UpdateRule {
  readonly name: string;
  /** What is kept for each weight beside itself, in its shape: `['m', 'v']` for AdamW. */
  readonly slots: readonly string[];
  /** The step's numbers that `build` takes as scalars. @param step updates made before this one, from 0 */
  scalars(step: number, lr: number): Record<string, number>;
  /** @param scalars those of `scalars()` and `scale`, by which the gradient is multiplied first */
  build(
    weight: Tensor,
    gradient: Tensor,
    slots: readonly Tensor[],
    scalars: Readonly<Record<string, Tensor>>,
    group: ParameterGroup,
  ): { weight: Tensor; slots: Tensor[] };
}
