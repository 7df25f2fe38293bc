import { add, broadcast, max, mul, reshape, sum } from '../graph/index.ts';
import { fromPicture, toPicture } from '../nn/normalise.ts';
import { plain } from './plain.ts';
import type { PretextTask } from './task.ts';

/** Every channel is replaced by the same random mix of the channels. */
export const deColorized: PretextTask = {
  ...plain,
  name: 'de-colorized',
  summary: 'grey, by a random mix of the channels',
  channels: 3,
  draws: () => ({ channel_weights: { shape: [3], dtype: 'f32' } }),
  draw: (rng) => ({ channel_weights: Float32Array.from({ length: 3 }, () => rng.uniform(0, 2 / 3)) }),
  degrade: (view, { channel_weights }) => {
    const weights = reshape(channel_weights!, [view.shape[0]!, 3, 1, 1]);
    return broadcast(sum(mul(view, weights), [1]), view.shape);
  },
};

const SATURATION = 0.3;

/** Paler colours: scales the HSV saturation and leaves hue and value unchanged. */
export const deColorizedHsv: PretextTask = {
  ...plain,
  name: 'de-colorized-hsv',
  summary: `colours with ${SATURATION} of their saturation`,
  channels: 3,
  degrade: (view, _, context) => {
    const picture = toPicture(view, context);
    // With hue and value V = max(R, G, B) fixed, saturation scales each channel's distance from V.
    const value = max(picture, [1]);
    return fromPicture(add(mul(picture, SATURATION), mul(value, 1 - SATURATION)), context);
  },
};
