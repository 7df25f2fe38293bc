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

/** Weights of one transformer block, named as in timm (`<name>.attn.qkv.weight`, …). */
export function blockParameters(name: string, width: number, mlpRatio: number): LayerParameter[] {
  return [
    ...normParameters(`${name}.norm1`, width),
    ...linearParameters(`${name}.attn.qkv`, width, 3 * width),
    ...linearParameters(`${name}.attn.proj`, width, width),
    ...feedForwardParameters(name, width, mlpRatio),
  ];
}

/** Weights of a block's second branch: see `feedForward`. */
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

/** By what a block's two branches, attention and MLP, are multiplied for each image: [B, 1, 1]. */
export type BranchScales = readonly [attention: Tensor, mlp: Tensor];

export interface BlockOptions {
  /** For drop path; 1 where left out. */
  readonly scales?: BranchScales | undefined;
  /** Of the norms. */
  readonly epsilon?: number | undefined;
  /** Whether the branches have trained scales: see `layerScaleParameters`. */
  readonly layerScale?: boolean | undefined;
  /** Added to the attention before its softmax, [1, h, N, N]. */
  readonly bias?: Tensor | undefined;
  /** First token whose result is wanted: those before it are only attended to. Default: 0, all of them. */
  readonly from?: number | undefined;
}

/** A pre-norm transformer block (ViT, arXiv 2010.11929, section 3.1): [B, N, D] → [B, N − from, D]. */
export function block(
  x: Tensor,
  weights: Weights,
  name: string,
  heads: number,
  { scales, epsilon, layerScale = false, bias, from = 0 }: BlockOptions = {},
): Tensor {
  const scaled = (branch: Tensor, i: 0 | 1) => {
    const own = layerScale ? mul(branch, weights(`${name}.gamma_${i + 1}`)) : branch;
    return scales ? mul(own, scales[i]) : own;
  };
  const normed = norm(x, weights, `${name}.norm1`, epsilon);
  const attended = selfAttention(normed, weights, `${name}.attn`, heads, from, bias);
  const y = add(tokensFrom(x, from), scaled(attended, 0));
  return add(y, scaled(feedForward(y, weights, name, epsilon), 1));
}

/** The second branch of a block: a norm and an MLP, [B, N, D] → [B, N, D]. */
export function feedForward(x: Tensor, weights: Weights, name: string, epsilon?: number): Tensor {
  const at = (part: string) => weights(`${name}.mlp.${part}`);
  const hidden = norm(x, weights, `${name}.norm2`, epsilon);
  return mlp(hidden, at('fc1.weight'), at('fc1.bias'), at('fc2.weight'), at('fc2.bias'));
}

/** Layer norm. */
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
  added?: Tensor,
): Tensor {
  const width = x.shape[2]!;
  const weight = weights(`${name}.qkv.weight`);
  const bias = mul(weights(`${name}.qkv.bias`), withoutKeys(width, ['queries', 'keys', 'values']));
  /** Parts `start` to `end` of queries, keys and values, for every head: [B, h, N, d] each. */
  const parts = (of: Tensor, start: number, end: number) => {
    const rows = (y: Tensor) => sliceAxis(y, 0, start * width, end * width);
    return splitHeads(linear(of, rows(weight), rows(bias)), end - start, heads);
  };
  const all = from === 0 ? parts(x, 0, 3) : [...parts(tokensFrom(x, from), 0, 1), ...parts(x, 1, 3)];
  const [q, k, v] = all as [Tensor, Tensor, Tensor];
  return joinHeads(added ? biasedAttention(q, k, v, added) : attention(q, k, v), weights, name);
}

/** softmax(q kᵀ / √d + bias) · v */
function biasedAttention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor): Tensor {
  const scores = matmul(q, k, { transposeB: true, alpha: 1 / Math.sqrt(q.shape[3]!) });
  return matmul(softmax(add(scores, bias)), v);
}

/** What the heads of an attention found, through its last layer: [B, h, N, d] → [B, N, D]. */
export function joinHeads(found: Tensor, weights: Weights, name: string): Tensor {
  const y = transpose(found, [0, 2, 1, 3]); // [B, N, h, d]
  const [batch, tokens, heads, features] = y.shape as [number, number, number, number];
  return linear(
    reshape(y, [batch, tokens, heads * features]),
    weights(`${name}.proj.weight`),
    weights(`${name}.proj.bias`),
  );
}

const tokensFrom = (x: Tensor, from: number) => (from === 0 ? x : sliceAxis(x, 1, from, x.shape[1]!));

/** 1 for the biases of queries and values, 0 for those of keys, which softmax does not see: [parts · width]. */
export function withoutKeys(width: number, parts: readonly ('queries' | 'keys' | 'values')[]): Tensor {
  const size = parts.length * width;
  return constant(
    Float32Array.from({ length: size }, (_, i) => (parts[Math.floor(i / width)] === 'keys' ? 0 : 1)),
    [size],
  );
}
