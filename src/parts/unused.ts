import type { RunConfig } from '../run/kind.ts';
import type { Parts } from './parts.ts';

/** A line for each task, mask and target that is handed in to a run of pre-training whose settings name others. */
export function unusedParts(
  { task, own }: RunConfig,
  { tasks = [], masks = [], targets = [] }: Parts,
): string[] {
  if (!task) return [];
  const unused = (parts: readonly { readonly name: string }[], used: readonly string[] = []) =>
    parts.map(({ name }) => name).filter((name) => !used.includes(name));
  const line = (what: string, name: string, setting: string) =>
    `the own ${what} "${name}" is handed in and not used: --set ${setting} uses it`;
  return [
    ...unused(tasks, own?.tasks).map((name) => line('task', name, `task.name=${name}`)),
    ...unused(masks, own?.masks).map((name) => line('mask generator', name, `task.mask=${name}`)),
    ...unused(targets, own?.targets).map((name) => line('target', name, `model.target=${name}`)),
  ];
}
