import type { Normalisation } from '../../image/normalise.ts';
import type { Rng } from '../../random/rng.ts';
import type { Size } from '../decode/crop.ts';

/** Random erasing (Zhong et al., arXiv 1708.04896) with timm's settings. */
export interface Erasing {
  /** Share of the images that are erased in. */
  readonly probability: number;
  /** Filling of a rectangle: normal noise per value (default), one normal colour, or the mean. */
  readonly mode?: 'pixel' | 'rand' | 'const';
  /** Most rectangles, 1 by default; they share the area. */
  readonly count?: number;
}

const AREA = [0.02, 1 / 3] as const;
const LOG_ASPECT = [Math.log(0.3), Math.log(1 / 0.3)] as const;

/**
 * Erases in one view, planes [channels, height, width] of bytes from `offset` of `view` on. Noise is N(0, 1) in
 * normalised units, as in timm; since the view is kept in bytes it is put back to them with the data's mean and
 * standard deviation (per channel, of values in [0, 1]), rounded and cut off at 0 and 255.
 * Area 2 % … 1/3 of the view, height : width log-uniform in 0.3 … 1/0.3; ten tries to fit it in.
 */
export function erase(
  view: Uint8Array,
  offset: number,
  [height, width]: Size,
  statistics: Normalisation,
  { probability, mode = 'pixel', count = 1 }: Erasing,
  rng: Rng,
): void {
  if (rng.uniform() >= probability) return;
  const rectangles = 1 + rng.int(count);
  for (let i = 0; i < rectangles; i++) {
    const box = rectangle(height, width, rectangles, rng);
    if (!box) continue;
    for (const [c, mean] of statistics.mean.entries()) {
      const std = statistics.std[c]!;
      const value = (z: number) => Math.max(0, Math.min(Math.round(255 * (mean + std * z)), 255));
      const one = value(mode === 'const' ? 0 : rng.normal());
      for (let y = box.top; y < box.top + box.height; y++) {
        const from = offset + (c * height + y) * width + box.left;
        if (mode !== 'pixel') view.fill(one, from, from + box.width);
        else for (let x = from; x < from + box.width; x++) view[x] = value(rng.normal());
      }
    }
  }
}

function rectangle(height: number, width: number, share: number, rng: Rng) {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = (rng.uniform(...AREA) * height * width) / share;
    const aspect = Math.exp(rng.uniform(...LOG_ASPECT));
    const h = Math.round(Math.sqrt(area * aspect));
    const w = Math.round(Math.sqrt(area / aspect));
    if (h < height && w < width)
      return { top: rng.int(height - h + 1), left: rng.int(width - w + 1), height: h, width: w };
  }
  return undefined;
}
