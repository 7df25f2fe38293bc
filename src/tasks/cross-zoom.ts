import { abs, add, clip, constant, maximum, mul, reshape, sub, type Tensor } from '../graph/index.ts';
import type { Size } from '../image/size.ts';
import { areaResize, project } from '../nn/area.ts';
import { recoveryLoss } from './patch-loss.ts';
import { plain } from './plain.ts';
import type { Draws, PretextTask } from './task.ts';

/** Share of the view's area that the crop covers (CropMAE). */
const AREA = [0.3, 0.6] as const;

/**
 * CropMAE (arXiv 2403.17823) beside the paper's zoomed-in: the decoder sees the view whole, the encoder a crop of it, of which
 * nearly all tokens are removed.
 */
export const crossZoom: PretextTask = {
  ...plain,
  name: 'cross-zoom',
  summary: 'a crop, recovered by looking at the whole view (CropMAE)',
  defaults: { maskRatio: 0.9, decoder: 'cross' },
  view: (image) => image.map(viewSide) as [number, number],
  draws: () => ({
    top: { shape: [], dtype: 'f32' },
    left: { shape: [], dtype: 'f32' },
    side: { shape: [], dtype: 'f32' },
  }),
  draw: (rng) => {
    const side = Math.sqrt(rng.uniform(...AREA)); // of the view's sides
    return {
      top: Float32Array.of(rng.uniform(0, 1 - side)),
      left: Float32Array.of(rng.uniform(0, 1 - side)),
      side: Float32Array.of(side),
    };
  },
  degrade: (view, draws, { image }) => crop(view, draws, image),
  guide: (view, _, { image }) => areaResize(view, image),
  clean: (view, { image }, draws) => crop(view, draws, image),
  loss: (inputs, context) => recoveryLoss(inputs, crop(inputs.view, inputs.draws, context.image), context),
};

/** Larger than the input, so that the crop has about its resolution: 320 for 224. */
const viewSide = (side: number) => Math.round((10 * side) / 7);

/** A part of each view, bilinear: [B, C, Hv, Wv] → [B, C, H, W]. */
function crop(view: Tensor, { top, left, side }: Draws, [height, width]: Size): Tensor {
  const [fullHeight, fullWidth] = view.shape.slice(2) as [number, number];
  return project(view, between(top!, side!, fullHeight, height), between(left!, side!, fullWidth, width));
}

/**
 * One axis of the crop: a matrix [B, 1, to, from] of bilinear weights, which are those of the nearest two pixels.
 * @param start,share f32 [B], of the side `from`
 */
function between(start: Tensor, share: Tensor, from: number, to: number): Tensor {
  const batch = start.shape[0]!;
  const centres = constant(
    Float32Array.from({ length: to }, (_, i) => (i + 0.5) / to),
    [1, 1, to, 1],
  );
  const pixels = constant(
    Float32Array.from({ length: from }, (_, i) => i),
    [1, 1, 1, from],
  );
  const ofImage = (x: Tensor) => reshape(x, [batch, 1, 1, 1]);
  // Centres of pixels lie at whole numbers; beyond the first and last one, these go on.
  const place = sub(mul(add(ofImage(start), mul(ofImage(share), centres)), from), 0.5);
  return maximum(sub(1, abs(sub(clip(place, 0, from - 1), pixels))), 0);
}
