import {
  add,
  broadcast,
  concat,
  gather,
  linear,
  reshape,
  sliceAxis,
  type Tensor,
  transpose,
} from '../graph/index.ts';
import { block, blockParameters, norm } from '../nn/block.ts';
import type { Masking } from '../nn/masking.ts';
import {
  linearParameters,
  normParameters,
  type ParameterSpec,
  parameter,
  type Weights,
} from '../nn/parameters.ts';
import { positionParameters } from '../nn/positions.ts';
import { patchCount } from '../nn/size.ts';
import type { AutoencoderConfig } from './autoencoder.ts';

/** State tensors of a decoder, named as in MAE. */
export function decoderParameters(config: AutoencoderConfig): ParameterSpec[] {
  const { patch, channels, mlpRatio, positions, decoder } = config;
  const { width, depth } = decoder;
  const table = positions === 'sincos2d' ? 'sincos2d' : 'sincos1d'; // never learned
  const uniform = { kind: 'uniform', bound: 1 / Math.sqrt(config.width) } as const;
  return [
    parameter('decoder_embed.weight', [width, config.width], uniform, true),
    parameter('mask_token', [1, 1, width], { kind: 'truncatedNormal' }),
    positionParameters('decoder_pos_embed', { ...config, positions: table }, width),
    ...Array.from({ length: depth }, (_, i) =>
      blockParameters(`decoder_blocks.${i}`, width, mlpRatio),
    ).flat(),
    ...normParameters('decoder_norm', width),
    ...linearParameters('decoder_pred', width, patch * patch * channels),
  ];
}

/**
 * Predicts every patch from the encoder's tokens.
 * @param tokens [B, K, D] or, with a class token, [B, 1 + K, D]
 * @param masking that with which the tokens were encoded
 * @returns [B, N, C·p²], values of a patch in the order (channel, row, column)
 */
export function decode(
  config: AutoencoderConfig,
  weights: Weights,
  tokens: Tensor,
  masking?: Masking,
): Tensor {
  const { classToken, decoder, epsilon } = config;
  const patches = patchCount(config);
  let x = linear(tokens, weights('decoder_embed.weight'));
  if (masking) x = restoreTokens(config, weights, x, masking);
  x = add(x, weights('decoder_pos_embed'));
  for (let i = 0; i < decoder.depth; i++)
    x = block(x, weights, `decoder_blocks.${i}`, decoder.heads, { epsilon });
  if (classToken) x = sliceAxis(x, 1, 1, 1 + patches);
  const values = (y: Tensor) => channelsFirst(y, config.channels);
  const y = norm(x, weights, 'decoder_norm', epsilon);
  return linear(y, values(weights('decoder_pred.weight')), values(weights('decoder_pred.bias')));
}

/** Mask tokens where tokens were removed, and all of them back in their places: [B, N, Dd], after a class token. */
function restoreTokens(
  { classToken, decoder: { width } }: AutoencoderConfig,
  weights: Weights,
  x: Tensor,
  { keep, order, restore }: Masking,
): Tensor {
  const [batch, tokens] = x.shape as [number, number];
  const visible = keep.shape[1]!;
  const removed = [batch, order.shape[1]! - visible, width];
  const rows = sliceAxis(x, 1, tokens - visible, tokens);
  const placed = gather(concat([rows, broadcast(weights('mask_token'), removed)], 1), restore, order);
  return classToken ? concat([sliceAxis(x, 1, 0, 1), placed], 1) : placed;
}

/** Rows of a weight, stored as (row, column, channel) of a patch's values, in the order (channel, row, column). */
function channelsFirst(weight: Tensor, channels: number): Tensor {
  const values = reshape(weight, [-1, channels, ...weight.shape.slice(1)]);
  return reshape(transpose(values, [1, 0, ...values.shape.slice(2).map((_, i) => i + 2)]), weight.shape);
}
