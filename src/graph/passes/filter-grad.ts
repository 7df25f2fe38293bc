import { matmul } from '../operations/matmul.ts';
import { concat, pad, reshape, slice, transpose } from '../operations/shape.ts';
import type { Tensor } from '../tensor.ts';
import type { DecompositionOf } from './optimise.ts';

/** From this number of channels on, products are faster than a convolution over the batch. */
const WIDE = 16;

/**
 * The gradient of filters as one product for each tap: of the image's pixels with the gradients of the pixels that they reach by this tap. For
 * layers of one group in steps of 1 whose result is as large as the image; others by the default decomposition.
 *
 * All pixels of a batch are rows of one matrix, so that a tap is a constant distance between rows; where it leaves the image, the gradient
 * is replaced by zeros.
 */
export const filterGradByTaps: DecompositionOf<'convFilterGrad'> = (node, [x, dy]) => {
  const { strides, inputDilation, filterDilation, groups, padding, window } = node.attributes;
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [, out, ...size] = dy.shape as [number, number, number, number];
  const ones = [...strides, ...inputDilation, ...filterDilation, groups].every((count) => count === 1);
  if (!ones || Math.min(out, channels) < WIDE || size[0] !== height || size[1] !== width)
    return node.operation.decompose!(node, [x, dy]);
  const [k, l] = window as [number, number];
  const [[top], [left]] = padding as [[number], [number]];
  const last = (map: Tensor) => transpose(map, [0, 2, 3, 1]);
  const rows = batch * height * width;
  const pixels = reshape(last(x), [rows, channels]);
  const taps = Array.from({ length: k * l }, (_, tap) => {
    const [down, across] = [Math.floor(tap / l) - top, (tap % l) - left];
    const reached = reshape(inside(last(dy), down, across), [rows, out]);
    const distance = down * width + across;
    const [from, to] = [Math.max(0, -distance), rows - Math.max(0, distance)];
    const product = matmul(
      slice(reached, [from, 0], [to, out]),
      slice(pixels, [from + distance, 0], [to + distance, channels]),
      { transposeA: true },
    );
    return reshape(product, [1, out, channels]);
  });
  return [reshape(transpose(concat(taps, 0), [1, 2, 0]), [out, channels, k, l])];
};

/** A map [B, H, W, C] with zeros at the pixels from which a step leaves the image. */
function inside(map: Tensor, down: number, across: number): Tensor {
  const [batch, height, width, channels] = map.shape as [number, number, number, number];
  const cut = (step: number, side: number) => [
    Math.min(side, Math.max(0, -step)),
    Math.min(side, Math.max(0, step)),
  ];
  const [[above, below], [before, after]] = [cut(down, height), cut(across, width)] as [
    [number, number],
    [number, number],
  ];
  const kept = slice(map, [0, above, before, 0], [batch, height - below, width - after, channels]);
  return pad(kept, [0, above, before, 0], [0, below, after, 0]);
}
