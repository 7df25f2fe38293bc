import {
  abs,
  add,
  clip,
  concat,
  constant,
  div,
  gather,
  maximum,
  mul,
  reshape,
  sign,
  sliceAxis,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  transpose,
} from '../../graph/index.ts';
import { type Geometry, patchGrid } from '../../image/size.ts';
import type { Target, TargetContext } from './target.ts';

const BINS = 9;
/**
 * Smaller gradients are rounding errors and count as 0: every engine then puts a gradient along an axis into the same bin, and a flat
 * area into none. The unit is the distance from black to white; neighbouring values of 16-bit samples differ by 1.5e-5.
 */
const SMALLEST = 4e-6;

/**
 * Histograms of oriented gradients (MaskFeat, arXiv 2112.09133), by channel: Sobel gradients with mirrored borders, nine bins of
 * 20° of their direction modulo 180°. Each pixel is weighted by its gradient's magnitude and by a Gaussian window of the patch's size.
 * Histograms are summed over cells of 8×8 pixels (over the whole patch if 8 does not divide it), and divided by their norm.
 * A token's values are ordered (channel, bin, cell).
 */
export const hog: Target = {
  summary: 'histograms of oriented gradients (MaskFeat)',
  size: ({ patch, channels }) => channels * BINS * (patch / cellSide(patch)) ** 2,
  of: (image, context, tokens) => {
    const all = histograms(image, context);
    return tokens ? gather(all, tokens) : all;
  },
};

const cellSide = (patch: number) => (patch % 8 === 0 ? 8 : patch);

/** [B, C, H, W] → [B, N, C·9·cells] */
function histograms(image: Tensor, context: TargetContext): Tensor {
  const { patch, std } = context;
  const [rows, columns] = patchGrid(context);
  const [batch, channels] = image.shape as [number, number];
  const [down, across] = sobel(image).map((gradient) => withoutRounding(gradient, std)) as [Tensor, Tensor];
  const length = mul(sqrt(add(square(down), square(across))), window(patch, context));
  const counted = bins(down, across).map((inside) => mul(inside, length));
  const cell = cellSide(patch);
  const cells = patch / cell;
  const stacked = concat(
    counted.map((x) => reshape(x, [batch, channels, 1, ...x.shape.slice(2)])),
    2,
  );
  const cut = reshape(stacked, [batch * channels * BINS, rows * cells, cell, columns * cells, cell]);
  const summed = reshape(sum(cut, [2, 4]), [batch, channels, BINS, rows, cells, columns, cells]);
  const norm = maximum(sqrt(sum(square(summed), [2])), 1e-12);
  const normalised = transpose(div(summed, norm), [0, 3, 5, 1, 2, 4, 6]);
  return reshape(normalised, [batch, rows * columns, channels * BINS * cells * cells]);
}

/** Sobel gradients along rows and columns, borders mirrored. Differences come first: flat areas give exact zeros. */
function sobel(image: Tensor): [down: Tensor, across: Tensor] {
  const difference = (x: Tensor, axis: number) => sub(...outer(x, axis));
  const smooth = (x: Tensor, axis: number) => add(add(...outer(x, axis)), mul(x, 2));
  return [smooth(difference(image, 2), 3), smooth(difference(image, 3), 2)];
}

/** Gradients of a normalised image; the smallest ones are replaced by 0. */
function withoutRounding(gradient: Tensor, std: readonly number[]): Tensor {
  const smallest = constant(
    Float32Array.from(std, (sigma) => SMALLEST / sigma),
    [std.length, 1, 1],
  );
  return mul(gradient, sign(maximum(sub(abs(gradient), smallest), 0)));
}

/** The neighbours of each pixel before and after it along an axis. Beyond the border the image is mirrored. */
function outer(x: Tensor, axis: number): [before: Tensor, after: Tensor] {
  const side = x.shape[axis]!;
  const at = (start: number, end: number) => sliceAxis(x, axis, start, end);
  if (side === 1) return [x, x];
  return [concat([at(1, 2), at(0, side - 1)], axis), concat([at(1, side), at(side - 2, side - 1)], axis)];
}

/** For each bin, 1 where the gradient's direction lies in it: the angle from `down` to `across` modulo 180°. */
function bins(down: Tensor, across: Tensor): Tensor[] {
  // Opposite directions are equal: both are mapped to the half-plane across > 0, or across = 0 and down > 0.
  const side = add(sign(across), mul(sub(1, square(sign(across))), sign(down)));
  const [x, y] = [mul(down, side), mul(across, side)];
  /** 1 where the angle is at least `bin` · 20°. */
  const beyond = (bin: number): Tensor | number => {
    if (bin === 0) return 1;
    if (bin === BINS) return 0;
    const angle = (bin * Math.PI) / BINS;
    return clip(add(sign(sub(mul(y, Math.cos(angle)), mul(x, Math.sin(angle)))), 1), 0, 1);
  };
  return Array.from({ length: BINS }, (_, bin) => sub(beyond(bin), beyond(bin + 1)));
}

/** A Gaussian window over each patch, with standard deviation ⌊p/2⌋ and sum 1 (MaskFeat: p = 16, deviation 8): [1, 1, H, W]. */
function window(patch: number, geometry: Geometry): Tensor {
  const deviation = Math.max(1, Math.floor(patch / 2));
  const line = Array.from({ length: patch }, (_, i) =>
    Math.exp(-0.5 * ((i - (patch - 1) / 2) / deviation) ** 2),
  );
  const total = line.reduce((a, b) => a + b, 0);
  const [height, width] = geometry.image;
  const values = Float32Array.from({ length: height * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width) % patch, (i % width) % patch];
    return (line[row]! * line[column]!) / total ** 2;
  });
  return constant(values, [1, 1, height, width]);
}
