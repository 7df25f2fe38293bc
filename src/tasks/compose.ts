import { patchCount } from '../image/size.ts';
import { random } from './masks/random.ts';
import { plain } from './plain.ts';
import type { Draws, MaskGenerator, PretextTask } from './task.ts';

/**
 * A task on whose degraded image tokens are removed: the encoder sees the rest, the decoder predicts all.
 * The draw `order` i32 [N] is a permutation of the tokens, of which the first ones are kept.
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
 * recovered. Throws RangeError where the second has a view or a loss of its own.
 */
export function inARow(first: PretextTask, second: PretextTask): PretextTask {
  const rule = secondFault(first, second);
  if (rule) throw new RangeError(`${rule}, got "${first.name}+${second.name}"`);
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

/** Why a task cannot come second. */
function secondFault(first: PretextTask, second: PretextTask): string | undefined {
  if (first.name === second.name) return 'two degradations in a row must differ';
  if (second.view !== plain.view)
    return `${second.name} changes what the loader delivers and must come first`;
  if (second.loss !== plain.loss) return `${second.name} judges in its own way and must come first`;
  return undefined;
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
