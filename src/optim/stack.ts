import { constant, type Tensor } from '../graph/index.ts';

/** Options of a rule for independent weights that are stacked along a new first axis, [H, ...]. */
export interface StackOptions {
  /** Learning rate factor of each weight of a stack. Default: weights are not stacked. */
  readonly rates?: readonly number[];
}

/** Axes of one weight, and the learning rate factors as a constant. */
export function unstack({ shape }: Tensor, rates: readonly number[] | undefined) {
  const all = shape.map((_, axis) => axis);
  if (!rates) return { axes: all, rate: 1 };
  const sides = [rates.length, ...shape.slice(1).map(() => 1)];
  return { axes: all.slice(1), rate: constant(Float32Array.from(rates), sides) };
}
