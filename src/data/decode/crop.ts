import type { EvaluationView, FilterName } from '../../image/view.ts';
import type { Rng } from '../../random/rng.ts';

/** Height and width in pixels, in the order of a tensor's axes. */
export type Size = readonly [height: number, width: number];

/** A rectangle of whole pixels; (x, y) is its upper left corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How a view is made from an image: cut `box` out, resize it, keep `window` of that, mirror. */
export interface Crop {
  /** Part of the upright image. */
  readonly box: Box;
  /** Size that the box is resized to. */
  readonly resized: Size;
  /** Part of the resized box; its size is the view's. */
  readonly window: Box;
  /** True if left and right change places, last of all. */
  readonly flip: boolean;
  /** How the box is resized. Default: bicubic. */
  readonly filter?: FilterName;
  /** Values of the channels where the window reaches beyond the resized box. Default: 0. */
  readonly border?: readonly number[];
}

/** Chooses the crop of one image (of size `image`) that becomes one view (of size `view`). */
export interface CropSampler {
  /** @param accept true if a crop will do, judged by the image's mask; a sampler may draw another one */
  (rng: Rng, image: Size, view: Size, accept?: (crop: Crop) => boolean): Crop;
  /** Names a sampler of this library, so that another thread can make the same one. */
  readonly description?: CropSamplerDescription;
}

/** Settings of a crop sampler. */
export type CropSamplerDescription =
  | { readonly name: 'randomResizedCrop'; readonly options: RandomResizedCropOptions }
  | { readonly name: 'centreCrop'; readonly ratio: number }
  | { readonly name: 'scaleJitter'; readonly options: ScaleJitterOptions }
  | { readonly name: 'largeScaleJitter'; readonly options: LargeScaleJitterOptions }
  | { readonly name: 'evaluation'; readonly view: EvaluationView };

/** Settings of `scaleJitter`. */
export interface ScaleJitterOptions {
  /** The smallest and largest factor on the size at which the image just covers the view. Default: [0.5, 2]. */
  readonly scale?: readonly [number, number];
  /** The longer side that an image may take on, in sides of the view, before the factor. Default: 4. */
  readonly longest?: number;
  /** Probability of mirroring. Default: 0.5. */
  readonly flip?: number;
  /** How many windows are drawn at most until one is accepted. Default: 10. */
  readonly tries?: number;
  /** Value of each channel beyond the image. Default: 0. */
  readonly border?: readonly number[];
}

/** Settings of `largeScaleJitter`. */
export interface LargeScaleJitterOptions {
  /** The smallest and largest factor on the size at which the image just lies in the view. Default: [0.1, 2]. */
  readonly scale?: readonly [number, number];
  /** Probability of mirroring. Default: 0.5. */
  readonly flip?: number;
  /** Value of each channel beyond the image. Default: 128. */
  readonly border?: readonly number[];
}

/** Settings of `randomResizedCrop`. */
export interface RandomResizedCropOptions {
  /** Share of the image's area, smallest and largest. */
  readonly scale?: readonly [number, number];
  /** Width : height of the cut relative to the view's, smallest and largest. */
  readonly ratio?: readonly [number, number];
  /** Probability of mirroring. */
  readonly flip?: number;
}

/**
 * RRC(s) of the paper, drawn as in torchvision (`RandomResizedCrop.get_params`): a uniform share of the area, an
 * aspect uniform in its logarithm; ten tries to fit it in, then the largest central cut with an allowed aspect.
 * For a view that is not square the aspect is relative to the view's, so pictures are never stretched further.
 */
export function randomResizedCrop(options: RandomResizedCropOptions = {}): CropSampler {
  const { scale = [0.2, 1], ratio = [3 / 4, 4 / 3], flip = 0.5 } = options;
  const sampler = (rng: Rng, image: Size, view: Size): Crop => {
    const box = randomBox(rng, image, scale, ratio, view[1] / view[0]);
    return { box, resized: view, window: whole(view), flip: rng.uniform() < flip };
  };
  return Object.assign(sampler, { description: { name: 'randomResizedCrop', options } as const });
}

function randomBox(
  rng: Rng,
  [imageHeight, imageWidth]: Size,
  scale: readonly [number, number],
  ratio: readonly [number, number],
  viewAspect: number,
): Box {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = imageHeight * imageWidth * rng.uniform(...scale);
    const aspect = viewAspect * Math.exp(rng.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
    const width = Math.round(Math.sqrt(area * aspect));
    const height = Math.round(Math.sqrt(area / aspect));
    if (width > 0 && width <= imageWidth && height > 0 && height <= imageHeight) {
      const y = rng.int(imageHeight - height + 1);
      return { x: rng.int(imageWidth - width + 1), y, width, height };
    }
  }
  const aspect = imageWidth / imageHeight;
  const allowed = Math.min(Math.max(aspect, viewAspect * ratio[0]), viewAspect * ratio[1]);
  const width = aspect > allowed ? Math.max(1, Math.round(imageHeight * allowed)) : imageWidth;
  const height = aspect < allowed ? Math.max(1, Math.round(imageWidth / allowed)) : imageHeight;
  return { x: (imageWidth - width) >> 1, y: (imageHeight - height) >> 1, width, height };
}

/**
 * The evaluation view: the image, its aspect kept, just covers view / `ratio` (for a square view its short side
 * becomes round(s · 256/224)); the central s × s is kept. A ratio of 1 keeps as much of the image as fits.
 * Throws RangeError unless ratio lies in (0, 1].
 */
export function centreCrop(ratio = 224 / 256): CropSampler {
  if (!(ratio > 0 && ratio <= 1)) throw new RangeError(`the crop ratio must lie in (0, 1], got ${ratio}`);
  const sampler = (_: Rng, [imageHeight, imageWidth]: Size, [height, width]: Size): Crop => {
    const coverHeight = Math.round(height / ratio);
    const coverWidth = Math.round(width / ratio);
    const zoom = Math.max(coverHeight / imageHeight, coverWidth / imageWidth);
    const resized: Size = [
      Math.max(coverHeight, Math.floor(imageHeight * zoom)),
      Math.max(coverWidth, Math.floor(imageWidth * zoom)),
    ];
    const y = Math.round((resized[0] - height) / 2);
    const x = Math.round((resized[1] - width) / 2);
    return { box: whole([imageHeight, imageWidth]), resized, window: { x, y, width, height }, flip: false };
  };
  return Object.assign(sampler, { description: { name: 'centreCrop', ratio } as const });
}

/** The box that covers all of an image. */
export function whole([height, width]: Size): Box {
  return { x: 0, y: 0, width, height };
}
