import {
  add,
  clip,
  constant,
  div,
  mul,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
} from '../graph/index.ts';
import type { Size } from '../image/size.ts';
import { columnCounts, lowFrequencies, lowPass, spectrum } from '../nn/fourier.ts';
import { fromPicture, toPicture } from '../nn/normalise.ts';
import { unpatchify } from '../nn/patches.ts';
import { plain } from './plain.ts';
import type { Draws, PretextTask } from './task.ts';

/** Radius of the circle of low frequencies as a share of the image's side: 16 frequencies of 224 pixels. */
const RADIUS = 16 / 224;

/**
 * Masked frequency modelling (MFM, arXiv 2206.07706): half of the images lose their low frequencies, the others
 * their high ones. The loss is the distance of the spectra at the removed frequencies. It is summed over an image and divided by the
 * average number of removed frequencies, half of all: each one then has the same weight, as in MFM's mean over a batch.
 */
export const frequency: PretextTask = {
  ...plain,
  name: 'frequency',
  summary: 'low or high frequencies are removed; the loss compares spectra (MFM)',
  judges: 'spectrum',
  defaults: { target: 'none', decoder: 'linear' },
  draws: () => ({ low: { shape: [], dtype: 'f32' } }),
  draw: (rng) => ({ low: Float32Array.of(rng.int(2)) }), // 1: low frequencies stay, 0: high ones
  degrade: (view, draws, context) => {
    const picture = toPicture(view, context);
    const smooth = lowPass(picture, RADIUS);
    const stays = ofImages(draws);
    const filtered = add(mul(smooth, stays), mul(sub(picture, smooth), sub(1, stays)));
    return fromPicture(clip(filtered, 0, 1), context);
  },
  loss: ({ prediction, view, draws }, context) => {
    const { re, im } = spectrum(sub(unpatchify(prediction.all, context), view)); // [B, C, H, ⌊W/2⌋ + 1]
    const distance = sqrt(add(add(square(re), square(im)), 1e-12));
    const low = inCircle(context.image);
    const stays = ofImages(draws);
    const removed = add(mul(low.high, stays), mul(low.low, sub(1, stays)));
    const [batch, channels, height, width] = view.shape as [number, number, number, number];
    const sums = sum(mul(distance, removed), [1, 2, 3]);
    const usual = (channels * height * width) / 2; // removed frequencies of an image, on average
    return { losses: reshape(div(sums, usual), [batch]), parts: {} };
  },
};

/** The draw `low` [B] for every value of an image: [B, 1, 1, 1]. */
const ofImages = ({ low }: Draws): Tensor => reshape(low!, [low!.shape[0]!, 1, 1, 1]);

/** Multiplicity of each computed frequency, inside the circle and outside: [1, 1, H, ⌊W/2⌋ + 1] each. */
function inCircle(image: Size): { low: Tensor; high: Tensor } {
  const counts = columnCounts(image);
  const low = lowFrequencies(image, RADIUS);
  const shape = [1, 1, image[0], counts.length / image[0]];
  return {
    low: constant(
      counts.map((count, i) => count * low[i]!),
      shape,
    ),
    high: constant(
      counts.map((count, i) => count * (1 - low[i]!)),
      shape,
    ),
  };
}
