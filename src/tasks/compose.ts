import { patchCount } from '../image/size.ts';
import { random } from './masks/random.ts';
import { plain } from './plain.ts';
import type { Draws, MaskGenerator, PretextTask } from './task.ts';

/**
 * A task on whose degraded image tokens are removed: the encoder sees the rest, the decoder predicts all.
 * The draw `order` i32 [N] is a permutation of the tokens; the first ones are kept.
 */
export function masked(task: PretextTask, mask: MaskGenerator = random): PretextTask {
  return {
    ...task,
    name: task === plain ? 'masked' : `masked+${task.name}`,
    summary: task === plain ? 'most tokens are removed' : `${task.summary}; then most tokens are removed`,
    mask,
    draws: (geometry) => ({
      ...task.draws(geometry),
      order: { shape: [patchCount(geometry)], dtype: 'i32' },
    }),
    draw: (rng, geometry) => ({
      ...task.draw(rng, geometry),
      order: mask.order(rng.derive('order'), geometry),
    }),
  };
}

/**
 * Two degradations in a row: the encoder sees what the second makes of the first one's image, and the first one says what is
 * recovered. Throws RangeError if the second has another view or loss.
 */
export function inARow(first: PretextTask, second: PretextTask): PretextTask {
  const fault = rowFault(first, second);
  if (fault) throw new RangeError(`a task ${fault}, got "${first.name}+${second.name}"`);
  const channels = second.channels ?? first.channels;
  return {
    ...first,
    name: `${first.name}+${second.name}`,
    summary: `${first.summary}; then ${second.summary}`,
    ...(channels !== undefined && { channels }),
    draws: (geometry) => ({ ...first.draws(geometry), ...renamed(second.draws(geometry)) }),
    draw: (rng, geometry) => ({
      ...first.draw(rng, geometry),
      ...renamed(second.draw(rng.derive('second'), geometry)),
    }),
    degrade: (view, draws, context) =>
      second.degrade(first.degrade(view, draws, context), ofSecond(draws), context),
  };
}

/** Explains why two degradations cannot be combined, as the end of a sentence; undefined if they can. */
export function rowFault(first: PretextTask, second: PretextTask): string | undefined {
  if (first.name === second.name) return 'must combine two different degradations';
  const because =
    second.view !== plain.view
      ? 'changes the view of the loader'
      : second.loss !== plain.loss && 'has its own loss';
  return because ? `must have ${second.name} first, as it ${because}` : undefined;
}

const PREFIX = 'second.';

const renamed = <T>(draws: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(draws).map(([name, value]) => [PREFIX + name, value]));

const ofSecond = (draws: Draws): Draws =>
  Object.fromEntries(
    Object.entries(draws).flatMap(([name, value]) =>
      name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), value]] : [],
    ),
  );
