import type { Normalisation } from '../../image/normalise.ts';
import type { NamedModule } from '../../modules/module-export.ts';
import type { Rng } from '../../random/rng.ts';
import { plural } from '../../text/plural.ts';
import type { Size } from '../decode/crop.ts';
import type { RawImage } from '../sources/dataset.ts';
import { colourJitter } from './colour-jitter.ts';
import { type Erasing, erase } from './erasing.ts';
import { drawPhotometric, photometric } from './photometric.ts';
import { parseRandAugment, randAugment } from './rand-augment.ts';

/** Augmentation of training images after crop and mirroring, for supervised training. All of it is optional. */
export interface Augment {
  /** A policy in timm's notation, e.g. `rand-m9-mstd0.5-inc1`. */
  readonly randAugment?: string;
  /** Strength of the colour jitter, 0.4 in timm; left out where `randAugment` is given, as in timm. */
  readonly colourJitter?: number;
  /** Brightness, contrast, saturation and hue changed as in mmsegmentation: see `drawPhotometric`. Before the others. */
  readonly photometric?: boolean;
  readonly erasing?: Erasing;
  /** Statistics of the data, per channel of the views: warps uncover its mean, erasing draws from it. */
  readonly normalisation: Normalisation;
  /** Augmentations of the user's own, in modules: after the others, before the erasing. */
  readonly own?: readonly NamedModule[] | undefined;
}

/**
 * An augmentation of the user's own: changes a view, cropped and mirrored, and may return it or another of the same size. What is
 * random comes from the stream, so that runs repeat.
 */
export type Augmentation = (image: RawImage, rng: Rng) => RawImage;

/** Augmentations ready for use; what they draw comes from the stream they are given. */
export interface Augmenter {
  /** Changes a mirrored view; the image given stays as it is. */
  image(image: RawImage, rng: Rng): RawImage;
  /** Erases in the planes [channels, height, width] that begin at `offset`, last of all. */
  planes(view: Uint8Array, offset: number, size: Size, rng: Rng): void;
}

/**
 * The augmentations of views with this number of channels.
 * Throws RangeError for an unknown policy, a negative strength, impossible erasing, statistics of other channels, and changes of colour
 * where there are none.
 * @param own the augmentations of `augment.own`, loaded
 */
export function makeAugmenter(
  augment: Augment,
  channels: number,
  own: readonly Augmentation[] = [],
): Augmenter {
  const { erasing, colourJitter: strength = 0, photometric: distorts, normalisation } = augment;
  const policy = augment.randAugment === undefined ? undefined : parseRandAugment(augment.randAugment);
  const count = erasing?.count ?? 1;
  if (!(strength >= 0)) throw new RangeError(`the colour jitter must be a number ≥ 0, got ${strength}`);
  if (erasing && !(erasing.probability >= 0 && erasing.probability <= 1))
    throw new RangeError(`the erasing probability must lie in [0, 1], got ${erasing.probability}`);
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`the number of erased rectangles must be a positive integer, got ${count}`);
  if (normalisation.mean.length !== channels || normalisation.std.length !== channels)
    throw new RangeError(
      `augmentation needs mean and std of ${plural(channels, 'channel')}, got [${normalisation.mean}] and [${normalisation.std}]`,
    );
  if ((policy || strength > 0 || distorts) && channels !== 1 && channels !== 3)
    throw new RangeError(
      `RandAugment, colour jitter and photometric distortion need grey or colour images, got ${channels} channels: --set data.randAugment='' --set data.colourJitter=0`,
    );
  const fill = normalisation.mean.map((mean) => Math.min(255, Math.round(255 * mean)));
  return {
    image(given, rng) {
      const image = distorts ? photometric(given, drawPhotometric(rng.derive('photometric'))) : given;
      const augmented = policy
        ? randAugment(image, policy, fill, rng.derive('rand-augment'))
        : strength > 0
          ? colourJitter(image, strength, rng.derive('colour-jitter'))
          : image;
      return own.reduce((before, change, i) => change(before, rng.derive('own', i)), augmented);
    },
    planes(view, offset, size, rng) {
      if (erasing) erase(view, offset, size, normalisation, erasing, rng.derive('erasing'));
    },
  };
}
