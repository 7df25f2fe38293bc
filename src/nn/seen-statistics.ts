import {
  add,
  broadcast,
  constant,
  div,
  matmul,
  maximum,
  mul,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
} from '../graph/index.ts';
import { type Geometry, patchGrid } from '../image/size.ts';
import { patchify, unpatchify } from './patches.ts';

/** Distance, in patches, at which a seen patch counts by e^-½. */
const NEAR = 1;
/** A seen patch at any distance counts by so much: somewhere there is always one. */
const FAR = 1e-6;
/** A sum of shares that stays above 0: where nothing is seen, its quotient is multiplied by 0. */
const NONE = 1e-6;

/** The part of a picture that an encoder sees. */
export interface SeenPicture {
  /** [B, C, H, W]; any finite values where nothing is seen */
  readonly picture: Tensor;
  /** [B, 1, H, W]: the seen share of each pixel, in [0, 1]; undefined: everything is seen */
  readonly share?: Tensor | undefined;
}

/** Pictures [B, C, H, W] of the statistics that an encoder could know of each patch and channel. */
export interface SeenStatistics {
  /** Every pixel has the mean of its patch. */
  readonly means: Tensor;
  /** Patches with these means and standard deviations. */
  readonly drawn: Tensor;
}

/**
 * Means and standard deviations of patches as an encoder could know them: of the pixels that it sees, and as far as it sees none of a patch
 * the mean of other patches' values, the near ones first.
 */
export function seenStatistics({ picture, share }: SeenPicture, geometry: Geometry): SeenStatistics {
  const { patch, channels } = geometry;
  const all = patchify(picture, patch);
  const [batch, count] = all.shape as [number, number, number];
  const pixels = patch ** 2;
  const patches = reshape(all, [batch, count, channels, pixels]);
  const weights = share && reshape(patchify(share, patch), [batch, count, 1, pixels]);
  const total = weights && sum(weights, [3]); // [B, N, 1, 1]
  const averaged = (values: Tensor) =>
    weights ? div(sum(mul(values, weights), [3]), maximum(total!, NONE)) : mul(sum(values, [3]), 1 / pixels);
  const centre = averaged(patches);
  const spread = sqrt(mul(averaged(square(sub(patches, centre))), pixels / Math.max(1, pixels - 1)));
  const fill = total
    ? filler(reshape(mul(total, 1 / pixels), [batch, count, 1]), geometry)
    : (values: Tensor) => values;
  const known = (values: Tensor) =>
    reshape(fill(reshape(values, [batch, count, channels])), [batch, count, channels, 1]);
  const [means, deviations] = [known(centre), known(spread)];
  const whole = (values: Tensor) => unpatchify(reshape(values, all.shape), geometry);
  return {
    means: whole(broadcast(means, patches.shape)),
    drawn: whole(add(means, mul(deviations, constant(unitRamp(pixels), [pixels])))),
  };
}

/** A function that replaces the values [B, N, C] of patches, as far as they are not seen, by weighted means of seen ones. */
function filler(seen: Tensor, geometry: Geometry): (values: Tensor) => Tensor {
  const [batch] = seen.shape as [number];
  const [rows, columns] = patchGrid(geometry);
  const [down, across] = [nearness(rows), nearness(columns)];
  const gathered = (values: Tensor) => {
    const width = values.shape[2]!;
    const tall = matmul(down, reshape(values, [batch, rows, columns * width]));
    const near = matmul(across, reshape(tall, [batch * rows, columns, width]));
    return add(reshape(near, values.shape), mul(sum(values, [1]), FAR));
  };
  const total = gathered(seen);
  const unseen = sub(1, seen);
  return (values) => add(mul(seen, values), mul(unseen, div(gathered(mul(seen, values)), total)));
}

/** The weight of each row or column of patches for each other one, [n, n]. */
function nearness(count: number): Tensor {
  const distance = (i: number) => Math.floor(i / count) - (i % count);
  const weights = Float32Array.from({ length: count * count }, (_, i) =>
    Math.exp(-(distance(i) ** 2) / (2 * NEAR ** 2)),
  );
  return constant(weights, [count, count]);
}

/** Values that rise evenly, with the mean 0 and the unbiased standard deviation 1. */
function unitRamp(count: number): Float32Array {
  const deviation = Math.sqrt((count * (count + 1)) / 12);
  return Float32Array.from({ length: count }, (_, i) => (count > 1 ? (i - (count - 1) / 2) / deviation : 0));
}
