import { type OwnNames, ownKinds } from '../config/own.ts';
import type { SourceScheme } from '../data/sources/scheme.ts';
import type { Engine } from '../engines/engine.ts';
import type { NamedModule } from '../modules/module-export.ts';
import type { OwnTasks } from '../tasks/own.ts';
import type { RunEvaluator } from './evaluator.ts';

/**
 * Parts of the user's own for a run, beside those of the library. Settings name tasks, masks, targets and sources (`task.name`,
 * `task.mask`, `model.target`, `data.source`); evaluators, augmentations and the engine are used as they are handed in. A run records
 * their names in its settings (`own`), and resumes only where they are handed in again. The exports of a module can be handed in
 * whole: `{ parts: await import('./mine.js') }`.
 */
export interface Parts extends OwnTasks {
  /** Kinds of sources of images: `mine:…`. */
  readonly sources?: readonly SourceScheme[] | undefined;
  /** Augmentations of training views, after crop and mirroring. They run on threads: each is an export of a module. */
  readonly augmentations?: readonly NamedModule[] | undefined;
  /** Further measurements after epochs. */
  readonly evaluators?: readonly RunEvaluator[] | undefined;
  /** The engine that computes, in place of the one that the settings name; it is not recorded. */
  readonly engine?: Engine | undefined;
}

/** Names of the kinds of parts, as a module exports them. */
export const partKinds = [...ownKinds, 'engine'] as const;

/** The names of parts, by kind. */
export function namesOf({ sources, ...parts }: Parts): OwnNames {
  const given = ownKinds.flatMap((kind): [string, string[]][] => {
    if (kind === 'sources') return sources ? [[kind, sources.map(({ scheme }) => scheme)]] : [];
    return parts[kind] ? [[kind, parts[kind].map(({ name }) => name)]] : [];
  });
  return Object.fromEntries(given);
}
