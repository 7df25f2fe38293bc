import { patchCount } from '../../image/size.ts';
import type { MaskGenerator } from '../task.ts';

/** Every set of tokens is as likely as any other (MAE, arXiv 2111.06377). */
export const random: MaskGenerator = {
  name: 'random',
  summary: 'tokens one by one (MAE)',
  order: (rng, geometry) => rng.permutation(patchCount(geometry)),
};
