import { suggestion } from '../text/nearest.ts';
import { blurred } from './blurred.ts';
import { inARow, masked, rowFault } from './compose.ts';
import { crossZoom } from './cross-zoom.ts';
import { deColorized, deColorizedHsv } from './de-colorized.ts';
import { distorted } from './distorted.ts';
import { frequency } from './frequency.ts';
import { maskGenerator } from './masks/table.ts';
import { noise } from './noise.ts';
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

/** What a name stands for; degradations that are unknown are undefined. */
function read(name: string): { masks: boolean; row: readonly (PretextTask | undefined)[] } {
  const parts = name.split('+');
  const masks = parts[0] === 'masked';
  const names = masks ? parts.slice(1) : parts;
  const usable = masks ? [...degradations, crossZoom] : degradations;
  return { masks, row: names.map((part) => usable.find((known) => known.name === part)) };
}

/**
 * Why a name stands for no task, as the end of a sentence; undefined where it does.
 * @param more other names that would do
 */
export function nameFault(name: string, more: readonly string[] = []): string | undefined {
  const { masks, row } = read(name);
  const [first, second] = row;
  if (first && second && row.length === 2) return rowFault(first, second);
  if ((first && row.length === 1) || (masks && row.length === 0)) return undefined;
  return `must be one of ${[...more, ...taskNames].join(', ')}, or two of them in a row as zoomed-in+blurred`;
}

/**
 * The task of that name: one of `taskNames`, or `[masked+]first+second` for two degradations in a row.
 * @param mask how a task that removes tokens chooses them
 * Throws RangeError for an unknown name, and where two degradations do not fit each other.
 */
export function task(name: string, mask = 'random'): PretextTask {
  const fault = nameFault(name);
  if (fault) throw new RangeError(`a task ${fault}, got "${name}"${suggestion(name, taskNames)}`);
  const { masks, row } = read(name);
  const [first = plain, second] = row;
  const degradation = second ? inARow(first, second) : first;
  return masks ? masked(degradation, maskGenerator(mask)) : degradation;
}

/** The task that settings name. Throws RangeError as `task` does. */
export function taskOf(settings: { readonly name: string; readonly mask?: string | undefined }): PretextTask {
  return task(settings.name, settings.mask);
}
