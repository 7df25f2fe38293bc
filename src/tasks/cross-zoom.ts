import {
  add,
  cast,
  clip,
  constant,
  floor,
  gather,
  minimum,
  mul,
  reshape,
  sub,
  type Tensor,
  transpose,
} from '../graph/index.ts';
import type { Size } from '../image/size.ts';
import { areaResize } from '../nn/area.ts';
import { recoveryLoss } from './patch-loss.ts';
import { plain } from './plain.ts';
import type { Draws, PretextTask } from './task.ts';

/** Share of the view's area that the crop covers (CropMAE). */
const AREA = [0.3, 0.6] as const;

/**
 * CropMAE (arXiv 2403.17823) beside the paper's zoomed-in: the decoder sees the whole view, the encoder a crop of it with
 * nearly all tokens removed.
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

/** Side of the view: larger than the input, so that the crop has about the input's resolution. 320 for 224. */
const viewSide = (side: number) => Math.round((10 * side) / 7);

/**
 * Crops each view bilinearly: [B, C, Hv, Wv] → [B, C, H, W]. It adds weighted differences between neighbours, so that flat areas stay
 * exactly flat, in any precision, and their targets are 0.
 */
function crop(view: Tensor, { top, left, side }: Draws, [height, width]: Size): Tensor {
  const [fullHeight, fullWidth] = view.shape.slice(2) as [number, number];
  const rows = between(transpose(view, [0, 2, 1, 3]), places(top!, side!, fullHeight, height)); // [B, H, C, Wv]
  const columns = between(transpose(rows, [0, 3, 2, 1]), places(left!, side!, fullWidth, width)); // [B, W, C, H]
  return transpose(columns, [0, 2, 3, 1]);
}

/**
 * The positions of the crop's pixels along one axis of the view, in pixels of the view: [B, to].
 * @param start,share f32 [B], of the side `from`
 */
function places(start: Tensor, share: Tensor, from: number, to: number): Tensor {
  const centres = constant(
    Float32Array.from({ length: to }, (_, i) => (i + 0.5) / to),
    [1, to],
  );
  const ofImage = (x: Tensor) => reshape(x, [x.shape[0]!, 1]);
  // Centres of pixels lie at whole numbers; the first and last ones extend beyond.
  return clip(sub(mul(add(ofImage(start), mul(ofImage(share), centres)), from), 0.5), 0, from - 1);
}

/** Rows of x [B, N, ...] at positions [B, K], interpolated linearly between two neighbours: [B, K, ...]. */
function between(x: Tensor, place: Tensor): Tensor {
  const before = floor(place);
  const row = (at: Tensor) => gather(x, cast(at, 'i32'));
  const first = row(before);
  const difference = sub(row(minimum(add(before, 1), x.shape[1]! - 1)), first);
  const share = reshape(sub(place, before), [...place.shape, ...x.shape.slice(2).fill(1)]);
  return add(first, mul(difference, share));
}
