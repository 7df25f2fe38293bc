import { linear } from '../../../graph/composites/linear.ts';
import { concat, pad, reshape, sliceAxis, transpose } from '../../../graph/operations/shape.ts';
import type { Decompositions } from '../../../graph/passes/optimise.ts';
import { applyAll, type Node, type Operation, type Tensor } from '../../../graph/tensor.ts';
import { attentionGradKernel, attentionKernel, fitsTile } from '../triton/attention.ts';
import { cudnnCall } from './cudnn-call.ts';
import { barrierOperation } from './rematerialise.ts';
import type { Rule } from './rule.ts';
import type { Value } from './values.ts';
import type { FunctionWriter } from './writer.ts';

/**
 * softmax(scale · q kᵀ) · v in one kernel. Only the first `tokens` ([of q, of k and v]) tokens are valid. Inputs: q
 * [B, N, h, d], k and v [B, M, h, d]. Outputs: y [B, N, h, d], undefined for invalid tokens, and for the gradient the
 * log-sum-exp of the softmax [B, h, N].
 */
export const fusedAttentionOperation: Operation = {
  name: 'fusedAttention',
  role: 'product',
  infer: ([q]) => {
    const [batch, tokens, heads] = q!.shape as [number, number, number];
    return [q!, { shape: [batch, heads, tokens], dtype: 'f32' }];
  },
  vjp: null,
};

/** Gradients of q, k and v. Inputs: these, y, dy (0 for invalid tokens) and the statistics. */
export const fusedAttentionGradOperation: Operation = {
  name: 'fusedAttentionGrad',
  role: 'product',
  infer: ([q, k, v]) => [q!, k!, v!],
  vjp: null,
};

/** Index of the statistics among the inputs of `fusedAttentionGrad`. */
export const STATISTICS = 5;

/** True if cuDNN's kernels support heads of this size: up to 128 features, a multiple of 8. */
export const fitsFused = (features: number) => features % 8 === 0 && features <= 128;

/**
 * How attention is computed: `fused` by cuDNN's kernels; `padded` by the same with a token of zeros added to odd
 * numbers of tokens, which older kernels require; `parts` (unfused) by two products and a softmax.
 */
export type AttentionForm = 'fused' | 'padded' | 'parts';

/**
 * Attention in fused kernels. They take tokens before heads, the projection's order, so all transposes in between
 * cancel. The gradient's forward pass merges with the existing one, because equal nodes merge.
 */
export const fusedAttention = (form: 'fused' | 'padded', kernels = false): Decompositions => ({
  splitHeads: ({ outputs }, [x]) => {
    const [batch, heads, tokens, features] = outputs[0]!.shape as [number, number, number, number];
    const parts = featureParts(x, outputs.length);
    return parts.map((part) => swapped(reshape(part, [batch, tokens, heads, features])));
  },
  mergeHeads: (_, inputs) => {
    const parts = inputs.map(({ shape: [batch, heads, tokens, features] }, i) =>
      reshape(swapped(inputs[i]!), [batch!, tokens!, heads! * features!]),
    );
    return [concat(parts, 2)];
  },
  attention: (node, [q, k, v]) => {
    if (kernels && fitsOneTile(q, k)) {
      const operands = [q, k, v].map(swapped);
      return [swapped(applyAll(attentionKernel, operands, { scale: node.attributes.scale })[0]!)];
    }
    const [y] = forward(form, node, [q, k, v]).results;
    return [withoutPadding(y!, q)];
  },
  attentionGrad: (node, [q, k, v, , dy]) => {
    if (kernels && fitsOneTile(q, k)) {
      const operands = [q, k, v, dy].map(swapped);
      const [all] = applyAll(attentionGradKernel, operands, { scale: node.attributes.scale });
      const [batch, heads, tokens, features] = q.shape as [number, number, number, number];
      const width = heads * features;
      return [0, 1, 2].map((i) =>
        swapped(reshape(sliceAxis(all!, 2, i * width, (i + 1) * width), [batch, tokens, heads, features])),
      );
    }
    const { operands, results, attributes } = forward(form, node, [q, k, v]);
    const inputs = [...operands, results[0]!, laidOut(form, dy), results[1]!];
    const gradients = applyAll(fusedAttentionGradOperation, inputs, attributes);
    return [q, k, v].map((like, i) => withoutPadding(gradients[i]!, like));
  },
});

const fitsOneTile = ({ shape }: Tensor, keys: Tensor) =>
  fitsTile({ queries: shape[2]!, keys: keys.shape[2]!, features: shape[3]! });

/**
 * Splits a linear layer's features [B, N, count·D] into one layer per part, which saves the pass that would split the
 * activations. The barrier stops XLA from merging the products again.
 */
function featureParts(x: Tensor, count: number): Tensor[] {
  const width = x.shape[2]! / count;
  const part = (of: Tensor, axis: number, i: number) => sliceAxis(of, axis, i * width, (i + 1) * width);
  const layer = (x.node.operation.name === 'reshape' ? x.node.inputs[0]! : x).node;
  const [of, weight, bias] = layer.inputs as [Tensor, Tensor, Tensor | undefined];
  if (layer.operation.name !== 'linear' || weight.shape[0] !== x.shape[2])
    return Array.from({ length: count }, (_, i) => part(x, 2, i));
  const copies = applyAll(barrierOperation, new Array<Tensor>(count).fill(of));
  return copies.map((copy, i) => linear(copy, part(weight, 0, i), bias && part(bias, 0, i)));
}

function forward(
  form: AttentionForm,
  { attributes: { scale } }: Node,
  [q, k, v]: readonly [Tensor, Tensor, Tensor],
) {
  const operands = [q, k, v].map((x) => laidOut(form, x));
  const attributes = { scale, tokens: [q.shape[2]!, k.shape[2]!] };
  return { operands, attributes, results: applyAll(fusedAttentionOperation, operands, attributes) };
}

/** Swaps [B, h, N, d] and [B, N, h, d]. */
const swapped = (x: Tensor) => transpose(x, [0, 2, 1, 3]);

/** [B, h, N, d] → [B, N, h, d]; `padded` adds a token of zeros if N is odd. */
function laidOut(form: AttentionForm, x: Tensor): Tensor {
  return pad(swapped(x), [0, 0, 0, 0], [0, form === 'padded' ? x.shape[2]! % 2 : 0, 0, 0]);
}

/** Drops padding: [B, N, h, d] → the shape of `like` [B, h, M, d]. */
const withoutPadding = (x: Tensor, like: Tensor) => swapped(sliceAxis(x, 1, 0, like.shape[2]!));

/** Type of y or a gradient in cuDNN's order, heads before tokens. */
const resultType = ({ shape, type }: Value) => ({
  shape: [shape[0]!, shape[2]!, shape[1]!, shape[3]!],
  type,
});

const tokensFirst = (writer: FunctionWriter, x: Value) => writer.transpose(x, [0, 2, 1, 3]);

/** StableHLO of the two operations: the calls that JAX prints for `implementation="cudnn"`. */
export const fusedRules: Readonly<Record<string, Rule>> = {
  fusedAttention: (writer, { attributes, outputs: [, statistics] }, [q, k, v]) => {
    const [y, sums] = cudnnCall(writer, {
      target: '__cudnn$fmhaSoftmax',
      operands: [q!, k!, v!],
      results: [resultType(q!), { shape: statistics!.shape, type: 'f32' }],
      scale: attributes.scale,
      tokens: attributes.tokens,
      products: { bmm1: ['BNhd', 'BMhd', 'd'], bmm2: ['BhNM', 'BMhd', 'M'] },
    });
    return [tokensFirst(writer, y!), sums!];
  },
  fusedAttentionGrad: (writer, { attributes }, [q, k, v, y, dy, statistics]) => {
    const gradients = cudnnCall(writer, {
      target: '__cudnn$fmhaSoftmaxBackward',
      operands: [q!, k!, v!, statistics!, dy!, y!],
      results: [q!, k!, v!].map(resultType),
      scale: attributes.scale,
      tokens: attributes.tokens,
      products: {
        bmm1_grad_gemm1: ['BhNM', 'BNhd', 'N'],
        bmm1_grad_gemm2: ['BhNM', 'BMhd', 'M'],
        bmm2_grad_gemm1: ['BhNM', 'BNhd', 'N'],
        bmm2_grad_gemm2: ['BNhd', 'BMhd', 'd'],
      },
    });
    return gradients.map((gradient) => tokensFirst(writer, gradient));
  },
};
