import { patchCount } from '../../image/size.ts';
import type { MaskGenerator } from '../task.ts';

/** A uniformly random set of tokens (MAE, arXiv 2111.06377). */
export const random: MaskGenerator = {
  name: 'random',
  summary: 'tokens one by one (MAE)',
  order: (rng, geometry) => rng.permutation(patchCount(geometry)),
};
