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

/** Ways to degrade an image. Each is a task, and another one with tokens removed as well. */
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

/** All tasks with a name of their own; two degradations in a row have names too, see `task`. */
export const tasks: readonly PretextTask[] = [
  masked(plain),
  ...degradations,
  ...[...degradations, crossZoom].map((degradation) => masked(degradation)),
];

export const taskNames: readonly string[] = tasks.map(({ name }) => name);

/** The degradations of a name, in a row. */
export function degradationsOf(name: string): { readonly masks: boolean; readonly row: readonly string[] } {
  const parts = name.split('+');
  const masks = parts[0] === 'masked';
  return { masks, row: masks ? parts.slice(1) : parts };
}

/** The degradation of that name, of the user's own or of the table; undefined for an unknown one. */
function degradation(
  name: string,
  masks: boolean,
  own: readonly PretextTask[] = [],
): PretextTask | undefined {
  const usable = [...own, ...degradations, ...(masks ? [crossZoom] : [])];
  return usable.find((known) => known.name === name);
}

/**
 * Why a name stands for no task, as the end of a sentence; undefined where it does.
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
  return `must be one of ${all.join(', ')}, or two of them in a row as zoomed-in+blurred`;
}

/**
 * The task of that name: one of `taskNames` or of the user's own, or `[masked+]first+second` for two degradations in a row.
 * @param mask how a task that removes tokens chooses them
 * Throws RangeError for an unknown name, and where two degradations do not fit each other.
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
