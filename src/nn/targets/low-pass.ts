import { lowPass } from '../fourier.ts';
import { pixels } from './pixels.ts';
import type { Target } from './target.ts';

/** Radius of the filter as a share of the image's side: 40 frequencies of 224 pixels (PixMIM, arXiv 2303.02416). */
const RADIUS = 40 / 224;

const asWhole = pixels(
  'patch',
  'pixels without their high frequencies (PixMIM), normalised per patch',
  'The model predicts normalised patches of the image without its high frequencies: in the reconstruction, mean and standard deviation are those of the patches that it sees, without theirs, or of their neighbours.',
);

/** Pixels of the image after an ideal low-pass filter; each patch is normalised over all its values. */
export const lowPassPixels: Target = {
  ...asWhole,
  of: (image, context, tokens) => asWhole.of(lowPass(image, RADIUS), context, tokens),
  toPixels: (values, image, context) => asWhole.toPixels!(values, lowPass(image, RADIUS), context),
};
