import type { Tensor } from './tensor.ts';

/** Settings of an update rule for one weight. */
export interface ParameterGroup {
  /** Decoupled weight decay; 0 for biases, norms, tokens and positions. */
  readonly weightDecay: number;
  /** Multiplies the step's learning rate (layer-wise decay). */
  readonly lrScale: number;
}

/** An optimizer as a graph: computes a parameter's next weight and slots from its gradient. */
export interface UpdateRule {
  readonly name: string;
  /** State per weight, in the weight's shape: `['m', 'v']` for AdamW. */
  readonly slots: readonly string[];
  /** The scalars of a step that `build` takes. @param step number of earlier updates, from 0 */
  scalars(step: number, lr: number): Record<string, number>;
  /** @param scalars the scalars of `scalars()` and `scale`; the gradient is first multiplied by `scale` */
  build(
    weight: Tensor,
    gradient: Tensor,
    slots: readonly Tensor[],
    scalars: Readonly<Record<string, Tensor>>,
    group: ParameterGroup,
  ): { weight: Tensor; slots: Tensor[] };
}
