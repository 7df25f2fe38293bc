import type { Crop, CropSampler, LargeScaleJitterOptions, Size } from './crop.ts';

/**
 * Training views of detection, as in detectron2 (RandomFlip, ResizeScale, FixedSizeCrop; "simple copy-paste", arXiv 2012.07177): the image is
 * mirrored at random and resized, its aspect kept, so that it just lies in the view times a uniform factor; a random window of the view's
 * size is cut out. What the image does not reach shows the border, at the right and below.
 * With the scale [1, 1] and no flip it is the view of evaluation: the whole image in the upper left corner.
 * Throws RangeError for an impossible setting.
 */
export function largeScaleJitter(options: LargeScaleJitterOptions = {}): CropSampler {
  const { scale = [0.1, 2], flip = 0.5, border = [128] } = options;
  if (!(scale[0] > 0 && scale[0] <= scale[1] && Number.isFinite(scale[1])))
    throw new RangeError(`the scales must be two positive numbers, the smaller one first, got ${scale}`);
  if (!(flip >= 0 && flip <= 1))
    throw new RangeError(`the probability of mirroring must lie in [0, 1], got ${flip}`);
  const sampler: CropSampler = (rng, image, view): Crop => {
    const mirrored = rng.uniform() < flip;
    const resized = fitted(image, view, rng.uniform(...scale));
    const [y, x] = resized.map((side, axis) => Math.round(rng.uniform() * Math.max(0, side - view[axis]!)));
    return {
      box: { x: 0, y: 0, width: image[1], height: image[0] },
      resized,
      window: { x: x!, y: y!, width: view[1], height: view[0] },
      flip: mirrored,
      border,
    };
  };
  return Object.assign(sampler, { description: { name: 'largeScaleJitter', options } as const });
}

/** The size of an image that just lies in the view times a factor. */
function fitted([height, width]: Size, view: Size, factor: number): Size {
  const zoom = Math.min((view[0] * factor) / height, (view[1] * factor) / width);
  return [Math.max(1, Math.round(height * zoom)), Math.max(1, Math.round(width * zoom))];
}
