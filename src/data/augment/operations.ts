import type { RawImage } from '../sources/dataset.ts';
import { rotate, type Sampling, shearX, shearY, translateX, translateY } from './affine.ts';
import { brightness, colour, contrast, sharpness } from './enhance.ts';
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from './tone.ts';

/** An operation of RandAugment. */
export interface Operation {
  /**
   * Its argument for a magnitude of 0 … 10 (more where a policy allows it); `sign` is 1 or −1, for the operations
   * that have two directions. The ranges are those of timm (`timm.data.auto_augment`).
   */
  readonly argument: (magnitude: number, sign: 1 | -1) => number;
  readonly apply: (image: RawImage, argument: number, sampling: Sampling) => RawImage;
}

const none = () => 0;
const twoSided = (largest: number) => (magnitude: number, sign: number) => sign * (magnitude / 10) * largest;
const bits = (magnitude: number) => Math.trunc((magnitude / 10) * 4);
const threshold = (magnitude: number) => Math.min(256, Math.trunc((magnitude / 10) * 256));
const factor = (magnitude: number) => (magnitude / 10) * 1.8 + 0.1;
const awayFromOne = (magnitude: number, sign: number) => Math.max(0.1, 1 + sign * ((magnitude / 10) * 0.9));

/** The operations whose effect does not grow with the magnitude, and their replacements under `inc1`. */
const plain = {
  Posterize: { argument: bits, apply: posterize },
  Solarize: { argument: threshold, apply: solarize },
  Color: { argument: factor, apply: colour },
  Contrast: { argument: factor, apply: contrast },
  Brightness: { argument: factor, apply: brightness },
  Sharpness: { argument: factor, apply: sharpness },
};
const increasing = {
  PosterizeIncreasing: { argument: (m: number) => 4 - bits(m), apply: posterize },
  SolarizeIncreasing: { argument: (m: number) => 256 - threshold(m), apply: solarize },
  ColorIncreasing: { argument: awayFromOne, apply: colour },
  ContrastIncreasing: { argument: awayFromOne, apply: contrast },
  BrightnessIncreasing: { argument: awayFromOne, apply: brightness },
  SharpnessIncreasing: { argument: awayFromOne, apply: sharpness },
};
const common = {
  AutoContrast: { argument: none, apply: autoContrast },
  Equalize: { argument: none, apply: equalize },
  Invert: { argument: none, apply: invert },
  Rotate: { argument: twoSided(30), apply: rotate },
  SolarizeAdd: { argument: (m: number) => Math.min(128, Math.trunc((m / 10) * 110)), apply: solarizeAdd },
  ShearX: { argument: twoSided(0.3), apply: shearX },
  ShearY: { argument: twoSided(0.3), apply: shearY },
  TranslateXRel: { argument: twoSided(0.45), apply: translateX },
  TranslateYRel: { argument: twoSided(0.45), apply: translateY },
};

/** The operations a policy chooses from, by timm's names: with `inc1` the operations that grow stronger with the magnitude. */
export function operations(inc: boolean): Readonly<Record<string, Operation>> {
  return { ...common, ...(inc ? increasing : plain) };
}
