import { add, broadcast, concat, gather, linear, reshape, sliceAxis, type Tensor } from '../graph/index.ts';
import { block, blockParameters, norm } from '../nn/block.ts';
import { branchScales } from '../nn/drop-path.ts';
import type { Masking } from '../nn/masking.ts';
import { normParameters, type ParameterSpec, parameter, type Weights } from '../nn/parameters.ts';
import { patchify } from '../nn/patches.ts';
import { positionParameters } from '../nn/positions.ts';
import type { EncoderConfig } from './autoencoder.ts';

/** State tensors of an encoder, named as in timm. */
export function encoderParameters(config: EncoderConfig): ParameterSpec[] {
  const { patch, channels, width, depth, mlpRatio, classToken } = config;
  const uniform = { kind: 'uniform', bound: 1 / Math.sqrt(channels * patch * patch) } as const;
  return [
    ...(classToken ? [parameter('cls_token', [1, 1, width], { kind: 'truncatedNormal' })] : []),
    positionParameters('pos_embed', config, width),
    parameter('patch_embed.proj.weight', [width, channels, patch, patch], uniform, true),
    parameter('patch_embed.proj.bias', [width], uniform),
    ...Array.from({ length: depth }, (_, i) => blockParameters(`blocks.${i}`, width, mlpRatio)).flat(),
    ...normParameters('norm', width),
  ];
}

/**
 * Tokens of images after the final norm.
 * @param image [B, C, H, W], normalised; no gradient is meant to flow to it
 * @param masking which tokens are visible; all of them without it
 * @returns [B, K, D] in the masking's order, after the class token where the model has one: [B, 1 + K, D]
 */
export function encode(config: EncoderConfig, weights: Weights, image: Tensor, masking?: Masking): Tensor {
  return norm(encodeTokens(config, weights, image, { masking }), weights, 'norm', config.epsilon);
}

/** What encoding takes beside weights and images. */
export interface EncodeOptions {
  /** Which tokens are visible; all of them without it. */
  readonly masking?: Masking | undefined;
  /** f32 [B, depth, 2], by what the branches of the blocks are multiplied: see `dropPathScales`. */
  readonly dropPath?: Tensor | undefined;
}

/** Tokens of images after the last block, before the final norm; shapes as those of `encode`. */
export function encodeTokens(
  config: EncoderConfig,
  weights: Weights,
  image: Tensor,
  { masking, dropPath }: EncodeOptions = {},
): Tensor {
  let x = embed(config, weights, image, masking);
  for (let i = 0; i < config.depth; i++)
    x = block(x, weights, `blocks.${i}`, config.heads, {
      scales: dropPath && branchScales(dropPath, i),
      epsilon: config.epsilon,
    });
  return x;
}

/** Patches through a linear layer, positions added. Removed patches are left out before, while they are pixels. */
function embed(config: EncoderConfig, weights: Weights, image: Tensor, masking?: Masking): Tensor {
  const { width, patch, classToken } = config;
  const positions = weights('pos_embed'); // [1, N, D], or [1, 1 + N, D] with a class token
  const first = classToken ? 1 : 0;
  const places = sliceAxis(positions, 1, first, positions.shape[1]!);
  const patches = patchify(image, patch);
  const seen = (x: Tensor) => (masking ? gather(x, masking.keep, masking.restore) : x);
  const weight = reshape(weights('patch_embed.proj.weight'), [width, -1]);
  const tokens = add(linear(seen(patches), weight, weights('patch_embed.proj.bias')), seen(places));
  if (!classToken) return tokens;
  const token = add(weights('cls_token'), sliceAxis(positions, 1, 0, 1));
  return concat([broadcast(token, [tokens.shape[0]!, 1, width]), tokens], 1);
}
