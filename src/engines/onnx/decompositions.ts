import {
  add,
  concat,
  gelu,
  linear,
  matmul,
  mlpGradients,
  pad,
  reshape,
  slice,
  split,
  type Tensor,
  transpose,
} from '../../graph/index.ts';
import type { Decompositions } from '../../graph/passes/optimise.ts';
import type { Composites, NodeOf } from '../../graph/signatures.ts';

/** Composites that onnxruntime's kernels compute faster in another decomposition. */
export const decompositions: Decompositions = {
  convFilterGrad: (node, inputs) =>
    isPlainLayer(node) ? [filterGradByTaps(node, inputs)] : node.operation.decompose!(node, inputs),
  mlp: (_, inputs) => [mlpInParts(inputs)],
  mlpGrad: (_, [x, weight1, bias1, weight2, bias2, dy]) => {
    const operands = [x, weight1, bias1, weight2, bias2] as const;
    return mlpGradients(mlpInParts(operands), operands, dy);
  },
};

/** gelu(x · weight1ᵀ + bias1) · weight2ᵀ, summed over parts of the hidden features. */
function mlpInParts([x, weight1, bias1, weight2, bias2]: Composites['mlp']): Tensor {
  const count = hiddenParts(weight1.shape[0]!);
  const [ins, biases, outs] = [split(weight1, 0, count), split(bias1!, 0, count), split(weight2, 1, count)];
  const parts = ins.map((weight, i) =>
    linear(gelu(linear(x, weight, biases[i])), outs[i]!, i === 0 ? bias2 : undefined),
  );
  return parts.reduce(add);
}

/** Floats in 4 KB. Matrix rows at this distance map to the same sets of an L1 cache. */
const ALIASED = 1024;

/**
 * Number of parts of the hidden features. A product over rows at a multiple of 4 KB keeps evicting its own operand:
 * 1568×3072 by 3072×768 runs at 143 GFLOP/s, two products over 1536 at 206 (2 cores, AMD Zen 4).
 */
export function hiddenParts(hidden: number): number {
  if (hidden % ALIASED !== 0) return 1;
  let parts = 2;
  while (parts < hidden && (hidden % parts !== 0 || (hidden / parts) % ALIASED === 0)) parts++;
  return parts;
}

/** From this number of channels on, products are faster than a convolution over the batch. */
const WIDE = 16;

/** True for a layer of one group of filters in steps of 1 over at least so many channels. */
function isPlainLayer({ inputs: [x, dy], attributes }: NodeOf<'convFilterGrad'>): boolean {
  const { strides, inputDilation, filterDilation, groups } = attributes;
  const counts = [...strides, ...inputDilation, ...filterDilation, groups];
  return counts.every((count) => count === 1) && Math.min(x.shape[1]!, dy.shape[1]!) >= WIDE;
}

/** One product for each tap of the filters, over all pixels that it meets. */
function filterGradByTaps(
  { attributes: { padding, window }, outputs: [dw] }: NodeOf<'convFilterGrad'>,
  [x, dy]: readonly [Tensor, Tensor],
): Tensor {
  const [batch, out, height, width] = dy.shape as [number, number, number, number];
  const channels = x.shape[1]!;
  const [[top, bottom], [left, right]] = padding;
  const last = (map: Tensor) => transpose(map, [0, 2, 3, 1]);
  const image = pad(last(x), [0, top, left, 0], [0, bottom, right, 0]);
  const rows = reshape(last(dy), [batch * height * width, out]);
  const [k, l] = window as [number, number];
  const taps = Array.from({ length: k * l }, (_, tap) => {
    const [u, v] = [Math.floor(tap / l), tap % l];
    const met = slice(image, [0, u, v, 0], [batch, u + height, v + width, channels]);
    const product = matmul(rows, reshape(met, [batch * height * width, channels]), { transposeA: true });
    return reshape(product, [1, out, channels]);
  });
  return reshape(transpose(concat(taps, 0), [1, 2, 0]), dw!.shape);
}
