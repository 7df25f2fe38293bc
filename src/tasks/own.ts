import type { NamedTarget } from '../nn/targets/target.ts';
import type { MaskGenerator, PretextTask } from './task.ts';

/** User-defined tasks, masks and targets, in addition to the built-in ones. */
export interface OwnTasks {
  /** Degradations by name: `mine`, then also `masked+mine` and, if it fits, `mine+blurred`. */
  readonly tasks?: readonly PretextTask[] | undefined;
  readonly masks?: readonly MaskGenerator[] | undefined;
  readonly targets?: readonly NamedTarget[] | undefined;
}

/** Replaces the name of a user-defined target by the target. Other models are returned unchanged. */
export function withOwnTarget<M extends { readonly target: M['target'] | NamedTarget }>(
  model: M,
  targets: readonly NamedTarget[] = [],
): M {
  const own = targets.find(({ name }) => name === model.target);
  return own ? { ...model, target: own } : model;
}
