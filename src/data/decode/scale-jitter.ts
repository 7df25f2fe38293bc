import type { Rng } from '../../random/rng.ts';
import type { Box, Crop, CropSampler, ScaleJitterOptions, Size } from './crop.ts';

/**
 * Training views of segmentation, as in mmsegmentation (RandomResize, RandomCrop, RandomFlip): the image is resized, its aspect kept, so that
 * its shorter side becomes the view's, times a uniform factor; a random window of the view's size is cut out, and mirrored at random. What
 * the image does not reach shows the border, at the right and below. A window that is not accepted (a class fills too much of it) is drawn
 * again, a few times.
 * Throws RangeError for an impossible setting.
 */
export function scaleJitter(options: ScaleJitterOptions = {}): CropSampler {
  const { scale = [0.5, 2], longest = 4, flip = 0.5, tries = 10, border = [0] } = options;
  if (!(scale[0] > 0 && scale[0] <= scale[1] && Number.isFinite(scale[1])))
    throw new RangeError(`the scales must be two positive numbers, the smaller one first, got ${scale}`);
  if (!(longest >= 1)) throw new RangeError(`the longest side must be 1 view or more, got ${longest}`);
  const sampler: CropSampler = (rng, image, view, accept = () => true) => {
    const factor = rng.uniform(...scale);
    const flipped = rng.uniform() < flip;
    const resized = jitteredSize(image, view, factor, longest);
    const box = { x: 0, y: 0, width: image[1], height: image[0] };
    for (let attempt = 1; ; attempt++) {
      const window = randomWindow(rng, resized, view);
      const crop: Crop = { box, resized, window, flip: flipped, border };
      if (attempt >= tries || accept(crop)) return crop;
    }
  };
  return Object.assign(sampler, { description: { name: 'scaleJitter', options } as const });
}

/** The size of an image that just covers the view, and is no longer than a multiple of it, times a factor. */
export function jitteredSize([height, width]: Size, view: Size, factor: number, longest = 4): Size {
  const cover = Math.max(view[0] / height, view[1] / width);
  const most = (longest * Math.max(...view)) / Math.max(height, width);
  const zoom = Math.min(cover, most) * factor;
  return [Math.max(1, Math.round(height * zoom)), Math.max(1, Math.round(width * zoom))];
}

function randomWindow(rng: Rng, [rows, columns]: Size, [height, width]: Size): Box {
  const y = rng.int(Math.max(0, rows - height) + 1);
  const x = rng.int(Math.max(0, columns - width) + 1);
  return { x, y, width, height };
}
