import type { Rng } from '../../random/rng.ts';
import type { RawImage } from '../sources/dataset.ts';
import { brightness, colour, contrast } from './enhance.ts';

/**
 * Brightness, contrast and saturation, each with a factor from U(max(0, 1 − strength), 1 + strength), in random order:
 * torchvision's ColorJitter as timm uses it (no hue; its strength is 0.4).
 */
export function colourJitter(image: RawImage, strength: number, rng: Rng): RawImage {
  const changes = [brightness, contrast, colour];
  let result = image;
  for (const i of rng.permutation(changes.length))
    result = changes[i]!(result, rng.uniform(Math.max(0, 1 - strength), 1 + strength));
  return result;
}
