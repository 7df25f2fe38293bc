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

/** What a decoder predicts, values of a patch in the order (channel, row, column). Only what is used is computed. */
export interface Prediction {
  /** [B, N, C·p²] */
  readonly all: Tensor;
  /**
   * [B, N − K, C·p²], the removed patches in the masking's order; undefined where none is. It is the cheaper one: the
   * last block and what follows it leave the visible patches out.
   */
  readonly removed?: Tensor | undefined;
}

/**
 * Predicts patches from the encoder's tokens.
 * @param tokens [B, K, D] or, with a class token, [B, 1 + K, D]
 * @param masking that with which the tokens were encoded
 */
export function decode(
  config: AutoencoderConfig,
  weights: Weights,
  tokens: Tensor,
  masking?: Masking,
): Prediction {
  const { classToken, decoder, epsilon } = config;
  const first = classToken ? 1 : 0;
  const values = (y: Tensor) => channelsFirst(y, config.channels);
  let x = embed(config, weights, tokens, masking);
  for (let i = 0; i + 1 < decoder.depth; i++)
    x = block(x, weights, `decoder_blocks.${i}`, decoder.heads, { epsilon });
  const last = (from: number) =>
    block(x, weights, `decoder_blocks.${decoder.depth - 1}`, decoder.heads, { epsilon, from });
  const predict = (y: Tensor) =>
    linear(
      norm(y, weights, 'decoder_norm', epsilon),
      values(weights('decoder_pred.weight')),
      values(weights('decoder_pred.bias')),
    );
  if (!masking) return { all: predict(last(first)) };
  return {
    all: predict(gather(last(first), masking.restore, masking.order)),
    removed: predict(last(first + masking.keep.shape[1]!)),
  };
}

/**
 * The encoder's tokens in the decoder's width, mask tokens after them where tokens were removed, positions added: all
 * N in the masking's order, after a class token.
 */
function embed(
  config: AutoencoderConfig,
  weights: Weights,
  tokens: Tensor,
  masking: Masking | undefined,
): Tensor {
  const x = linear(tokens, weights('decoder_embed.weight'));
  const positions = weights('decoder_pos_embed'); // [1, N, Dd], or [1, 1 + N, Dd] with a class token
  if (!masking) return add(x, positions);
  const [batch, width] = [x.shape[0]!, config.decoder.width];
  const hidden = broadcast(weights('mask_token'), [batch, masking.removed.shape[1]!, width]);
  const first = config.classToken ? 1 : 0;
  const places = gather(sliceAxis(positions, 1, first, positions.shape[1]!), masking.order);
  const token = broadcast(sliceAxis(positions, 1, 0, first), [batch, first, width]);
  return add(concat([x, hidden], 1), first === 0 ? places : concat([token, places], 1));
}

/** Rows of a weight, stored as (row, column, channel) of a patch's values, in the order (channel, row, column). */
function channelsFirst(weight: Tensor, channels: number): Tensor {
  const values = reshape(weight, [-1, channels, ...weight.shape.slice(1)]);
  return reshape(transpose(values, [1, 0, ...values.shape.slice(2).map((_, i) => i + 2)]), weight.shape);
}
