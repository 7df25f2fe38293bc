import { suggestion } from '../text/nearest.ts';
import { blurred } from './blurred.ts';
import { inARow, masked, rowFault } from './compose.ts';
import { crossZoom } from './cross-zoom.ts';
import { deColorized, deColorizedHsv } from './de-colorized.ts';
import { distorted } from './distorted.ts';
import { frequency } from './frequency.ts';
import { maskGenerator } from './masks/table.ts';
import { noise } from './noise.ts';
import type { OwnTasks } from './own.ts';
import { plain } from './plain.ts';
import { superResolution } from './super-resolution.ts';
import type { PretextTask } from './task.ts';
import { zoomedIn } from './zoomed-in.ts';
import { zoomedOut } from './zoomed-out.ts';

/** The degradations. Each is a task, and a second task if tokens are removed as well. */
const degradations: readonly PretextTask[] = [
  zoomedIn,
  zoomedOut,
  distorted,
  blurred,
  deColorized,
  deColorizedHsv,
  superResolution,
  noise,
  frequency,
];

/** All named tasks; two degradations in a row have names too, see `task`. */
export const tasks: readonly PretextTask[] = [
  masked(plain),
  ...degradations,
  ...[...degradations, crossZoom].map((degradation) => masked(degradation)),
];

export const taskNames: readonly string[] = tasks.map(({ name }) => name);

/** Splits a task's name into its degradations. */
export function degradationsOf(name: string): { readonly masks: boolean; readonly row: readonly string[] } {
  const parts = name.split('+');
  const masks = parts[0] === 'masked';
  return { masks, row: masks ? parts.slice(1) : parts };
}

/** The user-defined or built-in degradation with this name; undefined for an unknown name. */
function degradation(
  name: string,
  masks: boolean,
  own: readonly PretextTask[] = [],
): PretextTask | undefined {
  const usable = [...own, ...degradations, ...(masks ? [crossZoom] : [])];
  return usable.find((known) => known.name === name);
}

/**
 * Why a name is no task, as the end of a sentence; undefined if it is one.
 * @param more other names that would do
 */
export function nameFault(
  name: string,
  more: readonly string[] = [],
  own: readonly PretextTask[] = [],
): string | undefined {
  const { masks, row } = degradationsOf(name);
  const [first, second] = row.map((part) => degradation(part, masks, own));
  if (first && second && row.length === 2) return rowFault(first, second);
  if ((first && row.length === 1) || (masks && row.length === 0)) return undefined;
  const all = [...more, ...own.map((each) => each.name), ...taskNames];
  return `must be one of ${all.join(', ')}, or two of them in a row, such as zoomed-in+blurred`;
}

/**
 * The task with this name: built in (`taskNames`), user-defined, or `[masked+]first+second` for two degradations in a row.
 * Throws RangeError for an unknown name, and for two degradations that do not fit each other.
 * @param mask name of the mask generator, for tasks that remove tokens
 */
export function task(name: string, mask = 'random', own: OwnTasks = {}): PretextTask {
  const fault = nameFault(name, [], own.tasks);
  if (fault) throw new RangeError(`a task ${fault}, got "${name}"${suggestion(name, taskNames)}`);
  const { masks, row } = degradationsOf(name);
  const [first = plain, second] = row.map((part) => degradation(part, masks, own.tasks)!);
  const degraded = second ? inARow(first, second) : first;
  return masks ? masked(degraded, maskGenerator(mask, own.masks)) : degraded;
}

/** The task that settings name. Throws RangeError as `task` does. */
export function taskOf(
  settings: { readonly name: string; readonly mask?: string | undefined },
  own?: OwnTasks,
): PretextTask {
  return task(settings.name, settings.mask, own);
}
