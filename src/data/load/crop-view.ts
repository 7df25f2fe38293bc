import type { Rng } from '../../random/rng.ts';
import type { Augmenter } from '../augment/augment.ts';
import { upright } from '../augment/image.ts';
import type { Crop, CropSampler, Size } from '../decode/crop.ts';
import { visible } from '../decode/evaluation-view.ts';
import { writePlanar } from '../decode/planar.ts';
import { cropPlanes, cropResize, type Pixels } from '../decode/resize.ts';
import type { RawImage } from '../sources/dataset.ts';
import { inBorder } from './border.ts';

/** Draws the crop of a view from `derive('crop')` of `rng`. Throws RangeError when it has another size than the view. */
export function drawCrop(
  sampler: CropSampler,
  rng: Rng,
  image: Size,
  view: Size,
  accept?: (crop: Crop) => boolean,
): Crop {
  const crop = sampler(rng.derive('crop'), image, view, accept);
  const { width, height } = crop.window;
  if (height !== view[0] || width !== view[1])
    throw new RangeError(`a view must be ${view.join(' × ')}, got ${height} × ${width}`);
  return crop;
}

/** The part of a crop that shows the image, without the border around it. */
export function withoutBorder(crop: Crop): Crop {
  return { ...crop, window: visible(crop.window, crop.resized) };
}

/**
 * Writes a crop with its border as planes [channels, height, width] into `out` from `offset` on.
 * @param shown its part without the border, in an image that may be cut from the one it was drawn for
 */
export function writeCrop(
  image: RawImage | Pixels,
  crop: Crop,
  shown: Crop,
  channels: number,
  out: Uint8Array,
  offset: number,
): void {
  inBorder(crop, channels, out, offset, (target, at) => cropPlanes(image, shown, channels, target, at));
}

/**
 * Writes a view of an image, as `writeCrop` does, with its augmentation, drawn from `derive('augment')` of `rng`.
 */
export function writeView(
  image: RawImage | Pixels,
  crop: Crop,
  shown: Crop,
  { channels, size, augmenter }: ViewShape,
  rng: Rng,
  out: Uint8Array,
  offset: number,
): void {
  if (!augmenter) {
    writeCrop(image, crop, shown, channels, out, offset);
    return;
  }
  const draws = rng.derive('augment');
  const augmented = augmenter.image(upright(cropResize(image, shown), channels, shown.flip), draws);
  inBorder(crop, channels, out, offset, (target, at) => writePlanar(augmented, channels, false, target, at));
  augmenter.planes(out, offset, size, draws);
}

/** Form of a view. */
export interface ViewShape {
  readonly channels: number;
  readonly size: Size;
  readonly augmenter?: Augmenter | undefined;
}
