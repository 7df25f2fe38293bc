import {
  add,
  constant,
  div,
  gather,
  maximum,
  mean,
  minimum,
  mul,
  reshape,
  sliceAxis,
  sqrt,
  square,
  sub,
  sumOfSquares,
  type Tensor,
} from '../../graph/index.ts';
import type { Geometry } from '../../image/size.ts';
import { patchify } from '../patches.ts';
import type { Target, TargetContext } from './target.ts';

/** How the pixels of a patch are normalised: per channel (the paper), as a whole (MAE), or not at all. */
export type PixelNormalisation = 'channel' | 'patch' | 'none';

interface PatchTarget {
  /** [B, N, C·p²], or [B, M, C·p²] for selected tokens. A patch's values are ordered (channel, row, column). */
  readonly values: Tensor;
  /** The inverse: maps such values to pixels of the normalised image, in the same shape. */
  readonly toPixels: (values: Tensor) => Tensor;
}

/** The pixels of patches as a target. */
export function pixels(normalised: PixelNormalisation, summary: string, explanation: string): Target {
  return {
    summary,
    explanation,
    plain: normalised === 'none',
    size: (geometry) => pixelCount(geometry, normalised),
    of: (image, context, tokens) => patchTarget(image, normalised, context, tokens).values,
    toPixels: (values, image, context) => patchTarget(image, normalised, context).toPixels(values),
  };
}

/** Number of values of a patch. Throws RangeError if there are too few to normalise. */
export function pixelCount({ patch, channels }: Geometry, normalised: PixelNormalisation): number {
  const values = patch ** 2 * (normalised === 'channel' ? 1 : channels);
  if (normalised !== 'none' && values < 2)
    throw new RangeError(
      `a normalised target needs at least 2 values per patch, got ${values}: use larger patches or the target none`,
    );
  return patch ** 2 * channels;
}

/**
 * The pixels of a normalised image [B, C, H, W], by patches.
 *
 * `channel`: (u − mean) / (std + 1e-6) per patch and channel, for the picture u = x·std + mean on the scale [0, 1]. Since
 * u is an affine function of x, this equals (x − mean) / (std + 1e-6/σ), where σ is the channel's entry in the setting
 * `data.std`: the pixels need not be un-normalised first.
 * `patch`: (x − mean) / √(variance + 1e-6) over all values of a patch (arXiv 2111.06377). `none`: x.
 * Variances are unbiased. A flat patch has the target 0 on every engine: otherwise the rounding error of its mean, divided by a
 * spread of about 1e-6, would reach the loss.
 * @param tokens i32 [B, M]; if given, only these tokens' values are computed
 */
export function patchTarget(
  image: Tensor,
  normalised: PixelNormalisation,
  { patch, channels, std }: TargetContext,
  tokens?: Tensor,
): PatchTarget {
  const all = patchify(image, patch);
  const patches = tokens ? gather(all, tokens) : all;
  if (normalised === 'none') return { values: patches, toPixels: (values) => values };
  const groups = normalised === 'channel' ? channels : 1;
  const [batch, count, size] = patches.shape as [number, number, number];
  const shape = [batch, count, groups, size / groups];
  // Minus one of its pixels, a patch has small values: their mean is exact if all are equal.
  const grouped = reshape(patches, shape);
  const first = sliceAxis(grouped, 3, 0, 1); // [B, N, groups, 1]
  const x = sub(grouped, first);
  const centre = mean(x, [3]);
  const centred = sub(x, centre);
  const variance = mul(sumOfSquares(centred), 1 / (size / groups - 1)); // [B, N, groups, 1]
  const spread =
    normalised === 'channel'
      ? add(
          sqrt(variance),
          constant(
            Float32Array.from(std, (sigma) => 1e-6 / sigma),
            [channels, 1],
          ),
        )
      : sqrt(add(variance, 1e-6));
  return {
    values: reshape(mul(centred, div(varied(variance, first), spread)), patches.shape),
    toPixels: (values) =>
      reshape(add(mul(reshape(values, shape), spread), add(centre, first)), patches.shape),
  };
}

/** Largest standard deviation that counts as noise, relative to a pixel's value. Area resizing has a relative error of 4e-7. */
const NOISE = 1e-6;

/** 1 for patches that vary, 0 for patches of equal pixels, whose variance is rounding: [B, N, groups, 1]. */
function varied(variance: Tensor, pixel: Tensor): Tensor {
  const above = maximum(sub(variance, mul(square(pixel), NOISE ** 2)), 0);
  return minimum(mul(above, 1e30), 1);
}
