import {
  add,
  broadcast,
  concat,
  gather,
  linear,
  mul,
  reshape,
  sliceAxis,
  sub,
  type Tensor,
} from '../graph/index.ts';
import { patchGrid, type Size } from '../image/size.ts';
import {
  attentionWeights,
  type BlockOptions,
  block,
  blockParameters,
  layerScaleParameters,
  norm,
} from '../nn/block.ts';
import { decomposedBias, decomposedParameters } from '../nn/decomposed-positions.ts';
import { branchScales } from '../nn/drop-path.ts';
import type { Masking } from '../nn/masking.ts';
import {
  inPart,
  type LayerParameter,
  normParameters,
  type ParameterSpec,
  parameter,
  type Weights,
} from '../nn/parameters.ts';
import { patchify } from '../nn/patches.ts';
import { positionParameters } from '../nn/positions.ts';
import { relativePositionBias, relativePositionParameters } from '../nn/relative-positions.ts';
import type { EncoderConfig } from './config.ts';

/** State tensors of an encoder, named as in timm. */
export function encoderParameters(config: EncoderConfig): ParameterSpec[] {
  const { patch, channels, width, depth, mlpRatio, classToken } = config;
  const uniform = { kind: 'uniform', bound: 1 / Math.sqrt(channels * patch * patch) } as const;
  const embedding = [
    ...(classToken ? [parameter('cls_token', [1, 1, width], { kind: 'truncatedNormal' })] : []),
    positionParameters('pos_embed', config, width),
    parameter('patch_embed.proj.weight', [width, channels, patch, patch], uniform, true),
    parameter('patch_embed.proj.bias', [width], uniform),
  ];
  return [
    ...inPart('encoder', embedding, 0),
    ...Array.from({ length: depth }, (_, i) =>
      inPart('encoder', [...blockParameters(`blocks.${i}`, width, mlpRatio), ...extras(config, i)], i + 1),
    ).flat(),
    ...inPart('encoder', normParameters('norm', width), depth + 1),
  ];
}

/** Optional weights of a block: relative positions, scales of its branches. */
function extras(config: EncoderConfig, i: number): LayerParameter[] {
  const { heads, classToken, relativePositions, decomposedPositions, layerScale, width } = config;
  const name = `blocks.${i}`;
  return [
    ...(relativePositions
      ? relativePositionParameters(`${name}.attn`, patchGrid(config), heads, classToken)
      : []),
    ...(decomposedPositions
      ? decomposedParameters(`${name}.attn`, attentionGrid(config, i), width / heads)
      : []),
    ...(layerScale === undefined ? [] : layerScaleParameters(name, width, layerScale)),
  ];
}

/**
 * Tokens of images after the final norm.
 * @param image [B, C, H, W], normalised; no gradient is meant to flow to it
 * @param masking which tokens are visible; all of them without it
 * @returns [B, K, D] in the masking's order, after the class token where the model has one: [B, 1 + K, D]
 */
export function encode(
  config: EncoderConfig,
  weights: Weights,
  image: Tensor,
  masking?: Masking,
  options: Pick<EncodeOptions, 'fill'> = {},
): Tensor {
  const tokens = encodeTokens(config, weights, image, { masking, ...options });
  return norm(tokens, weights, 'norm', config.epsilon);
}

/** Inputs of the encoder beside weights and images. */
export interface EncodeOptions {
  /** Which tokens are visible; all of them without it. */
  readonly masking?: Masking | undefined;
  /** [1, 1, D], a token in place of each removed patch: with it, all patches keep their places. Without it, they are left out. */
  readonly fill?: Tensor | undefined;
  /** f32 [B, depth, 2]: scales of the branches of the blocks, see `dropPathScales`. */
  readonly dropPath?: Tensor | undefined;
}

/** Tokens of images after the last block, before the final norm; shapes as those of `encode`. */
export function encodeTokens(
  config: EncoderConfig,
  weights: Weights,
  image: Tensor,
  options: EncodeOptions = {},
): Tensor {
  return encodeLayers(config, weights, image, options).at(-1)!;
}

/** The tokens after each block, in order, in the shapes of `encode`. Unused ones are not computed. */
export function encodeLayers(
  config: EncoderConfig,
  weights: Weights,
  image: Tensor,
  { masking, fill, dropPath }: EncodeOptions = {},
): Tensor[] {
  const { windows } = config;
  if ((windows || config.decomposedPositions) && (masking || config.classToken || config.relativePositions))
    throw new RangeError(
      'attention in windows and decomposed positions need all patches, without a class token and without other relative positions',
    );
  let x = embed(config, weights, image, { masking, fill });
  return Array.from({ length: config.depth }, (_, i) => {
    if (config.relativePositions && masking)
      throw new RangeError('relative positions need all tokens in their places, got masked ones');
    x = block(x, weights, `blocks.${i}`, config.heads, {
      scales: dropPath && branchScales(dropPath, i),
      epsilon: config.epsilon,
      layerScale: config.layerScale !== undefined,
      bias: biasOf(config, weights, i),
      windows: isInWindows(config, i) ? { grid: patchGrid(config), side: windows!.side } : undefined,
    });
    return x;
  });
}

/**
 * The attention of block `i`, counted from 0, to be looked at, for normalised images [B, C, H, W]: [B, h, N, N] as `attentionWeights` has
 * it, the class token first where the model has one. Throws RangeError for a block that does not exist or stays in windows.
 */
export function encodeAttention(config: EncoderConfig, weights: Weights, image: Tensor, i: number): Tensor {
  if (!Number.isInteger(i) || i < 0 || i >= config.depth)
    throw new RangeError(`a block must be one of 1 to ${config.depth}, got ${i + 1}`);
  if (isInWindows(config, i))
    throw new RangeError(
      `an attention map needs a block whose patches all see each other, got block ${i + 1}`,
    );
  const before = i === 0 ? embed(config, weights, image, {}) : encodeLayers(config, weights, image)[i - 1]!;
  return attentionWeights(before, weights, `blocks.${i}`, config.heads, {
    epsilon: config.epsilon,
    bias: biasOf(config, weights, i),
  });
}

/** The part of a block's attention that goes by the places of its tokens. */
function biasOf(config: EncoderConfig, weights: Weights, i: number): BlockOptions['bias'] {
  const name = `blocks.${i}.attn`;
  if (config.relativePositions) {
    const table = weights(`${name}.relative_position_bias_table`);
    return relativePositionBias(table, patchGrid(config), config.classToken);
  }
  return config.decomposedPositions
    ? (queries) => decomposedBias(queries, weights, name, attentionGrid(config, i))
    : undefined;
}

const isInWindows = ({ windows }: EncoderConfig, i: number) =>
  windows !== undefined && !windows.global.includes(i);

/** The grid of patches that see each other in block `i`: a window, or all. */
function attentionGrid(config: EncoderConfig, i: number): Size {
  return isInWindows(config, i) ? [config.windows!.side, config.windows!.side] : patchGrid(config);
}

/** Patches through a linear layer, positions added. Removed patches are left out before, while they are pixels, or filled after. */
function embed(
  config: EncoderConfig,
  weights: Weights,
  image: Tensor,
  { masking, fill }: Pick<EncodeOptions, 'masking' | 'fill'>,
): Tensor {
  const { width, patch, classToken } = config;
  const positions = weights('pos_embed'); // [1, N, D], or [1, 1 + N, D] with a class token
  const first = classToken ? 1 : 0;
  const places = sliceAxis(positions, 1, first, positions.shape[1]!);
  const patches = patchify(image, patch);
  const seen = (x: Tensor) => (masking && !fill ? gather(x, masking.keep, masking.restore) : x);
  const weight = reshape(weights('patch_embed.proj.weight'), [width, -1]);
  const embedded = linear(seen(patches), weight, weights('patch_embed.proj.bias'));
  const tokens = add(masking && fill ? filled(embedded, fill, masking) : embedded, seen(places));
  if (!classToken) return tokens;
  const token = add(weights('cls_token'), sliceAxis(positions, 1, 0, 1));
  return concat([broadcast(token, [tokens.shape[0]!, 1, width]), tokens], 1);
}

/** Tokens [B, N, D] with `fill` in place of the removed ones. */
function filled(tokens: Tensor, fill: Tensor, { mask }: Masking): Tensor {
  const removed = reshape(mask, [...mask.shape, 1]);
  return add(mul(tokens, sub(1, removed)), mul(fill, removed));
}
