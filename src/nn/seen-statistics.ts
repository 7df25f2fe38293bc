import {
  add,
  constant,
  div,
  matmul,
  mean,
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

/** Distance, in patches, at which a kept patch counts by e^-½. */
const NEAR = 1;
/** A kept patch at any distance counts by so much: somewhere there is always one. */
const FAR = 1e-6;

/**
 * An image whose patches have the means and standard deviations that an encoder could know: those of the kept patches of its input, and for
 * removed ones the mean of the kept patches' values, the near ones first.
 * @param input of the encoder, [B, C, H, W] @param mask f32 [B, N], 1 for removed patches; undefined where none is
 * @returns [B, C, H, W]
 */
export function seenStatistics(input: Tensor, mask: Tensor | undefined, geometry: Geometry): Tensor {
  const { patch, channels } = geometry;
  const all = patchify(input, patch);
  const [batch, count] = all.shape as [number, number, number];
  const pixels = patch ** 2;
  const patches = reshape(all, [batch, count, channels, pixels]);
  const centre = mean(patches, [3]);
  const spread = sqrt(mul(mean(square(sub(patches, centre)), [3]), pixels / Math.max(1, pixels - 1)));
  const pattern = constant(unitRamp(pixels), [pixels]);
  const known = (values: Tensor) => reshape(values, [batch, count, channels]);
  const placed = (values: Tensor) => reshape(values, [batch, count, channels, 1]);
  const fill = mask ? filler(mask, geometry) : (values: Tensor) => values;
  const [centres, spreads] = [centre, spread].map((values) => placed(fill(known(values))));
  const made = add(centres!, mul(spreads!, pattern));
  return unpatchify(reshape(made, all.shape), geometry);
}

/** A function that replaces the values [B, N, C] of removed patches by weighted means of those of kept ones. */
function filler(mask: Tensor, geometry: Geometry): (values: Tensor) => Tensor {
  const [batch, count] = mask.shape as [number, number];
  const [rows, columns] = patchGrid(geometry);
  const removed = reshape(mask, [batch, count, 1]);
  const kept = sub(1, removed);
  const [down, across] = [nearness(rows), nearness(columns)];
  const gathered = (values: Tensor) => {
    const width = values.shape[2]!;
    const tall = matmul(down, reshape(values, [batch, rows, columns * width]));
    const near = matmul(across, reshape(tall, [batch * rows, columns, width]));
    return add(reshape(near, values.shape), mul(sum(values, [1]), FAR));
  };
  const total = gathered(kept);
  return (values) => add(mul(kept, values), mul(removed, div(gathered(mul(kept, values)), total)));
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
