import type { NamedTarget } from '../nn/targets/target.ts';
import type { MaskGenerator, PretextTask } from './task.ts';

/** Tasks, masks and targets of the user's own, beside those of the tables. */
export interface OwnTasks {
  /** Degradations by name: `mine`, then also `masked+mine` and, if it fits, `mine+blurred`. */
  readonly tasks?: readonly PretextTask[] | undefined;
  readonly masks?: readonly MaskGenerator[] | undefined;
  readonly targets?: readonly NamedTarget[] | undefined;
}

/** A model with the user's own target in place of its name, where it is one of them. */
export function withOwnTarget<M extends { readonly target: M['target'] | NamedTarget }>(
  model: M,
  targets: readonly NamedTarget[] = [],
): M {
  const own = targets.find(({ name }) => name === model.target);
  return own ? { ...model, target: own } : model;
}
