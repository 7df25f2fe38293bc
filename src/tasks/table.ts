import { suggestion } from '../text/nearest.ts';
import { blurred } from './blurred.ts';
import { masked } from './compose.ts';
import { deColorized, deColorizedHsv } from './de-colorized.ts';
import { distorted } from './distorted.ts';
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
];

/** All tasks. */
export const tasks: readonly PretextTask[] = [masked(plain), ...degradations, ...degradations.map(masked)];

export const taskNames: readonly string[] = tasks.map(({ name }) => name);

/** The task of that name. Throws RangeError for an unknown one. */
export function task(name: string): PretextTask {
  const found = tasks.find((candidate) => candidate.name === name);
  if (!found)
    throw new RangeError(
      `a task must be one of ${taskNames.join(', ')}, got "${name}"${suggestion(name, taskNames)}`,
    );
  return found;
}
