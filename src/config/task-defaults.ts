import type { OwnTasks } from '../tasks/own.ts';
import { task } from '../tasks/table.ts';
import { mergeSettings } from './merge.ts';
import { valueAt } from './walk.ts';

/** Settings over those that their task takes where none are given; settings that name no task are left as they are. */
export function withTaskDefaults(input: unknown, own?: OwnTasks): unknown {
  const defaults = taskDefaults(input, own);
  return defaults ? mergeSettings(defaults, input as object) : input;
}

/** What the task that settings name takes where none are given: settings. */
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
    return undefined; // the schema says what is wrong with the name
  }
}
