import { add, clip, mul } from '../graph/index.ts';
import { fromPicture, toPicture } from '../nn/normalise.ts';
import { plain } from './plain.ts';
import type { PretextTask } from './task.ts';

/** Standard deviation on the scale [0, 1] (Denoise of MFM, arXiv 2206.07706). */
const DEVIATION = 75 / 255;

/** Gaussian noise on every value, clipped to black and white. */
export const noise: PretextTask = {
  ...plain,
  name: 'noise',
  summary: 'Gaussian noise on every pixel',
  draws: ({ channels, image }) => ({ noise: { shape: [channels, ...image], dtype: 'f32' } }),
  draw: (rng, { channels, image: [height, width] }) => ({
    noise: Float32Array.from({ length: channels * height * width }, () => rng.normal()),
  }),
  degrade: (view, draws, context) => {
    const noisy = add(toPicture(view, context), mul(draws.noise!, DEVIATION));
    return fromPicture(clip(noisy, 0, 1), context);
  },
};
