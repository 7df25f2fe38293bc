import {
  add,
  attention,
  constant,
  layerNorm,
  linear,
  matmul,
  mlp,
  mul,
  reshape,
  sliceAxis,
  softmax,
  splitHeads,
  type Tensor,
  transpose,
} from '../graph/index.ts';
import {
  type LayerParameter,
  linearParameters,
  normParameters,
  parameter,
  type Weights,
} from './parameters.ts';
import { joinWindows, splitWindows, type Windows } from './windows.ts';

/** Weights of one transformer block, named as in timm (`<name>.attn.qkv.weight`, …). */
export function blockParameters(name: string, width: number, mlpRatio: number): LayerParameter[] {
  return [
    ...normParameters(`${name}.norm1`, width),
    ...linearParameters(`${name}.attn.qkv`, width, 3 * width),
    ...linearParameters(`${name}.attn.proj`, width, width),
    ...feedForwardParameters(name, width, mlpRatio),
  ];
}

/** Weights of the MLP branch of a block, see `feedForward`. */
export function feedForwardParameters(name: string, width: number, mlpRatio: number): LayerParameter[] {
  const hidden = Math.round(width * mlpRatio);
  return [
    ...normParameters(`${name}.norm2`, width),
    ...linearParameters(`${name}.mlp.fc1`, width, hidden),
    ...linearParameters(`${name}.mlp.fc2`, hidden, width),
  ];
}

/** Scales of a block's branches by channel (CaiT, arXiv 2103.17239), named as in BEiT. */
export function layerScaleParameters(name: string, width: number, start: number): LayerParameter[] {
  const init = { kind: 'table', values: () => new Float32Array(width).fill(start) } as const;
  return [1, 2].map((i) => parameter(`${name}.gamma_${i}`, [width], init));
}

/** Per-image scales of a block's attention and MLP branches (drop path), each [B, 1, 1]. */
export type BranchScales = readonly [attention: Tensor, mlp: Tensor];

type AttentionBias = Tensor | ((queries: Tensor) => Tensor);

export interface BlockOptions {
  /** Scales of the two branches (drop path). Default: 1. */
  readonly scales?: BranchScales | undefined;
  /** ε of the layer norms. Default: 1e-6. */
  readonly epsilon?: number | undefined;
  /** True: the branches have trained scales, see `layerScaleParameters`. */
  readonly layerScale?: boolean | undefined;
  /** Added to the attention before its softmax, [1, h, N, N]; or a function of the queries [B, h, N, d] to [B, h, N, N]. */
  readonly bias?: AttentionBias | undefined;
  /** Windows within which the attention stays; the tokens must be those of their grid. Default: all tokens see each other. */
  readonly windows?: Windows | undefined;
  /** First token of the result; earlier tokens serve as keys and values only. Default: 0. */
  readonly from?: number | undefined;
}

/** A pre-norm transformer block (ViT, arXiv 2010.11929, section 3.1): [B, N, D] → [B, N − from, D]. */
export function block(
  x: Tensor,
  weights: Weights,
  name: string,
  heads: number,
  { scales, epsilon, layerScale = false, bias, windows, from = 0 }: BlockOptions = {},
): Tensor {
  const scaled = (branch: Tensor, i: 0 | 1) => {
    const own = layerScale ? mul(branch, weights(`${name}.gamma_${i + 1}`)) : branch;
    return scales ? mul(own, scales[i]) : own;
  };
  const normed = norm(x, weights, `${name}.norm1`, epsilon);
  const attend = (of: Tensor) => selfAttention(of, weights, `${name}.attn`, heads, from, bias);
  const attended = windows ? joinWindows(attend(splitWindows(normed, windows)), windows) : attend(normed);
  const y = add(tokensFrom(x, from), scaled(attended, 0));
  return add(y, scaled(feedForward(y, weights, name, epsilon), 1));
}

/** The MLP branch of a block, layer norm and MLP: [B, N, D] → [B, N, D]. */
export function feedForward(x: Tensor, weights: Weights, name: string, epsilon?: number): Tensor {
  const at = (part: string) => weights(`${name}.mlp.${part}`);
  const hidden = norm(x, weights, `${name}.norm2`, epsilon);
  return mlp(hidden, at('fc1.weight'), at('fc1.bias'), at('fc2.weight'), at('fc2.bias'));
}

export function norm(x: Tensor, weights: Weights, name: string, epsilon = 1e-6): Tensor {
  return layerNorm(x, weights(`${name}.weight`), weights(`${name}.bias`), epsilon);
}

/** Multi-head self-attention with biases on queries and values only: [B, N, D] → [B, N − from, D]. */
function selfAttention(
  x: Tensor,
  weights: Weights,
  name: string,
  heads: number,
  from: number,
  added?: AttentionBias,
): Tensor {
  const { q, k, v, bias } = projected(x, weights, name, heads, from, added);
  return joinHeads(bias ? matmul(shares(q, k, bias), v) : attention(q, k, v), weights, name);
}

/**
 * The attention of a block as it can be looked at, tokens [B, N, D] before the block → [B, h, N, N]: for each head and token (third
 * axis) the shares with which it takes the values of all tokens (last axis); they sum to 1.
 */
export function attentionWeights(
  x: Tensor,
  weights: Weights,
  name: string,
  heads: number,
  { epsilon, bias: added }: Pick<BlockOptions, 'epsilon' | 'bias'> = {},
): Tensor {
  const normed = norm(x, weights, `${name}.norm1`, epsilon);
  const { q, k, bias } = projected(normed, weights, `${name}.attn`, heads, 0, added);
  return shares(q, k, bias);
}

/** Queries [B, h, N − from, d], keys and values [B, h, N, d], and what is added to their products. */
function projected(
  x: Tensor,
  weights: Weights,
  name: string,
  heads: number,
  from: number,
  added?: AttentionBias,
): { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor; readonly bias: Tensor | undefined } {
  const width = x.shape[2]!;
  const weight = weights(`${name}.qkv.weight`);
  const bias = mul(weights(`${name}.qkv.bias`), withoutKeys(width, ['queries', 'keys', 'values']));
  /** Projections `start` to `end` of queries, keys and values, split into heads: [B, h, N, d] each. */
  const projections = (of: Tensor, start: number, end: number) => {
    const rows = (y: Tensor) => sliceAxis(y, 0, start * width, end * width);
    return splitHeads(linear(of, rows(weight), rows(bias)), end - start, heads);
  };
  const all =
    from === 0 ? projections(x, 0, 3) : [...projections(tokensFrom(x, from), 0, 1), ...projections(x, 1, 3)];
  const [q, k, v] = all as [Tensor, Tensor, Tensor];
  return { q, k, v, bias: typeof added === 'function' ? added(q) : added };
}

/** softmax(q kᵀ / √d + bias): [B, h, N, M] */
function shares(q: Tensor, k: Tensor, bias?: Tensor): Tensor {
  const scores = matmul(q, k, { transposeB: true, alpha: 1 / Math.sqrt(q.shape[3]!) });
  return softmax(bias ? add(scores, bias) : scores);
}

/** Joins the heads of an attention and applies its output projection: [B, h, N, d] → [B, N, D]. */
export function joinHeads(heads: Tensor, weights: Weights, name: string): Tensor {
  const y = transpose(heads, [0, 2, 1, 3]); // [B, N, h, d]
  const [batch, tokens, count, features] = y.shape as [number, number, number, number];
  return linear(
    reshape(y, [batch, tokens, count * features]),
    weights(`${name}.proj.weight`),
    weights(`${name}.proj.bias`),
  );
}

const tokensFrom = (x: Tensor, from: number) => (from === 0 ? x : sliceAxis(x, 1, from, x.shape[1]!));

/** 1 for the biases of queries and values, 0 for those of keys, which softmax cancels: [parts · width]. */
export function withoutKeys(width: number, parts: readonly ('queries' | 'keys' | 'values')[]): Tensor {
  const size = parts.length * width;
  return constant(
    Float32Array.from({ length: size }, (_, i) => (parts[Math.floor(i / width)] === 'keys' ? 0 : 1)),
    [size],
  );
}
