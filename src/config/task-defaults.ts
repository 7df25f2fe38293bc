import type { OwnTasks } from '../tasks/own.ts';
import { task } from '../tasks/table.ts';
import { mergeSettings } from './merge.ts';
import { valueAt } from './walk.ts';

/** Settings over the defaults of their task; settings without a task stay unchanged. */
export function withTaskDefaults(input: unknown, own?: OwnTasks): unknown {
  const defaults = taskDefaults(input, own);
  return defaults ? mergeSettings(defaults, input as object) : input;
}

/** The default settings of the task that the settings name. */
export function taskDefaults(input: unknown, own?: OwnTasks): object | undefined {
  const name = valueAt(input, ['task', 'name']);
  if (typeof name !== 'string') return undefined;
  try {
    const { maskRatio, target, decoder } = task(name, undefined, own).defaults ?? {};
    return {
      task: { maskRatio },
      model: { target, decoder: { kind: decoder } },
    };
  } catch {
    return undefined; // the schema reports the invalid name
  }
}
