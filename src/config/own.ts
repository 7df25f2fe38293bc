import { z } from 'zod';
import { targetNames } from '../nn/targets/table.ts';
import { maskNames } from '../tasks/masks/table.ts';
import { degradationsOf, nameFault, taskNames } from '../tasks/table.ts';
import { section } from './fields.ts';

/** Kinds of user-defined parts. A run's settings record their names. */
export const ownKinds = ['tasks', 'masks', 'targets', 'sources', 'augmentations', 'evaluators'] as const;

export type OwnKind = (typeof ownKinds)[number];

/** Names of user-defined parts, by kind. */
export type OwnNames = { readonly [kind in OwnKind]?: readonly string[] | undefined };

const names = (what: string) =>
  z
    .array(z.string(), { error: 'must be a list of names' })
    .optional()
    .describe(`${what} of your own, by name; a run writes them, see docs/own-parts.md`);

/** The user-defined parts that a run needs. A run without such parts does not have this setting. */
export const own = section({
  tasks: names('tasks'),
  masks: names('masks'),
  targets: names('targets'),
  sources: names('sources of images'),
  augmentations: names('augmentations'),
  evaluators: names('evaluators'),
}).optional();

/** True if the settings name a task, mask or target that is not in the tables. */
export function namesOwn({ task, model, own = {} }: Named): boolean {
  const isOwn = (kind: OwnKind, name: string) => own[kind]?.includes(name) ?? false;
  return (
    degradationsOf(task.name).row.some((part) => isOwn('tasks', part)) ||
    isOwn('masks', task.mask) ||
    isOwn('targets', model.target)
  );
}

interface Named {
  readonly task: { readonly name: string; readonly mask: string };
  readonly model: { readonly target: string };
  readonly own?: OwnNames | undefined;
}

/** Rejects names of tasks, masks and targets that are neither built in nor listed in `own`. */
export function checkNames({ task, model, own = {} }: Named, context: z.RefinementCtx): void {
  const refuse = (path: string[], input: string, values: readonly string[], message: string) =>
    context.addIssue({ code: 'invalid_value', path, input, values: [...values], message });
  const { tasks = [] } = own;
  const { row } = degradationsOf(task.name);
  const known =
    row.length <= 2 &&
    row.every((part) => tasks.includes(part) || !nameFault(part) || !nameFault(`masked+${part}`));
  const fault = row.some((part) => tasks.includes(part)) && known ? undefined : nameFault(task.name, tasks);
  if (fault) refuse(['task', 'name'], task.name, [...tasks, ...taskNames], fault);
  const oneOf = (
    path: [string, string],
    name: string,
    more: readonly string[] = [],
    all: readonly string[],
  ) => {
    const values = [...more, ...all];
    if (!values.includes(name)) refuse(path, name, values, `must be one of ${values.join(', ')}`);
  };
  oneOf(['task', 'mask'], task.mask, own.masks, maskNames);
  oneOf(['model', 'target'], model.target, own.targets, targetNames);
}
