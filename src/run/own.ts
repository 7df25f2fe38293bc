import { type OwnKind, type OwnNames, ownKinds } from '../config/own.ts';
import { degradationsOf } from '../tasks/table.ts';
import { RunError } from './error.ts';
import type { RunConfig } from './kind.ts';

/** Name of a part of each kind in messages. */
const nouns: Readonly<Record<OwnKind, string>> = {
  tasks: 'task',
  masks: 'mask generator',
  targets: 'target',
  sources: 'source of images',
  augmentations: 'augmentation',
  evaluators: 'evaluator',
};

/** The settings of a run with the names of the parts of the user's own that it needs; without the setting where it needs none. */
export function withOwnNames<C extends RunConfig>(config: C, given: OwnNames): C {
  const { own: _, ...settings } = config;
  const { data, task, model } = config as RunConfig & { data: { source: string; test?: string } };
  const schemes = [data.source, data.test ?? ''].map((source) => /^[^:]*/.exec(source)![0]);
  const used: Readonly<Record<OwnKind, readonly string[] | undefined>> = {
    tasks: task && degradationsOf(task.name).row,
    masks: task && degradationsOf(task.name).masks ? [task.mask] : [],
    targets: 'target' in model ? [String(model.target)] : [],
    sources: schemes,
    augmentations: given.augmentations,
    evaluators: given.evaluators,
  };
  const needed = ownKinds.flatMap((kind): [OwnKind, string[]][] => {
    const names = (given[kind] ?? []).filter((name) => used[kind]?.includes(name));
    return names.length > 0 ? [[kind, names]] : [];
  });
  return (needed.length > 0 ? { ...settings, own: Object.fromEntries(needed) } : settings) as C;
}

/** Throws RunError where a run needs parts of the user's own that are not handed in. */
export function requireOwn(needed: OwnNames = {}, given: OwnNames): void {
  for (const kind of ownKinds) {
    const missing = (needed[kind] ?? []).filter((name) => !given[kind]?.includes(name));
    if (missing.length === 0) continue;
    throw new RunError(
      `the run needs its own ${nouns[kind]} "${missing.join('", "')}", got none of that name: ` +
        `hand it in, as in { parts: { ${kind}: [...] } }, or on the command line with --task-file FILE`,
    );
  }
}
