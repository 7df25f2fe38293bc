import { patchCount } from '../image/size.ts';
import { plain } from './plain.ts';
import type { PretextTask } from './task.ts';

/**
 * A task on whose degraded image tokens are removed: the encoder sees the rest, the decoder predicts all.
 * The draw `order` i32 [N] is a permutation of the tokens, of which the first ones are kept.
 */
export function masked(task: PretextTask): PretextTask {
  return {
    ...task,
    name: task === plain ? 'masked' : `masked+${task.name}`,
    summary: task === plain ? 'most tokens are removed' : `${task.summary}; then most tokens are removed`,
    masks: true,
    draws: (geometry) => ({
      ...task.draws(geometry),
      order: { shape: [patchCount(geometry)], dtype: 'i32' },
    }),
    draw: (rng, geometry) => ({
      ...task.draw(rng, geometry),
      order: rng.derive('order').permutation(patchCount(geometry)),
    }),
  };
}
