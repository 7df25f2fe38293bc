import { add, broadcast, concat, gather, linear, sliceAxis, type Tensor } from '../../graph/index.ts';
import { block, blockParameters } from '../../nn/block.ts';
import type { Masking } from '../../nn/masking.ts';
import { parameter, type Weights } from '../../nn/parameters.ts';
import { stackFlops } from '../../nn/stack-flops.ts';
import { targetOf } from '../../nn/targets/table.ts';
import type { AutoencoderConfig } from '../config.ts';
import type { Decoder } from './decoder.ts';
import { headParameters, predict } from './head.ts';
import { decoderPositions } from './positions.ts';

/** MAE's decoder: mask tokens take the places of the removed ones, and all attend to all. */
export const transformerDecoder: Decoder = {
  summary: 'blocks in which all tokens attend to all, mask tokens among them (MAE)',
  fillsEncoder: false,
  parameters: (config) => {
    const { width, depth } = config.decoder;
    const uniform = { kind: 'uniform', bound: 1 / Math.sqrt(config.width) } as const;
    return [
      parameter('decoder_embed.weight', [width, config.width], uniform, true),
      parameter('mask_token', [1, 1, width], { kind: 'truncatedNormal' }),
      decoderPositions(config),
      ...Array.from({ length: depth }, (_, i) =>
        blockParameters(`decoder_blocks.${i}`, width, config.mlpRatio),
      ).flat(),
      ...headParameters(config, width, true),
    ];
  },
  decode: (config, weights, { tokens, masking }) => {
    const { classToken, decoder, epsilon } = config;
    const first = classToken ? 1 : 0;
    let x = embed(config, weights, tokens, masking);
    for (let i = 0; i + 1 < decoder.depth; i++)
      x = block(x, weights, `decoder_blocks.${i}`, decoder.heads, { epsilon });
    // The last block and what follows it leave out the tokens that are not predicted.
    const last = (from: number) =>
      block(x, weights, `decoder_blocks.${decoder.depth - 1}`, decoder.heads, { epsilon, from });
    const values = (y: Tensor) => predict(config, weights, y, true);
    if (!masking) return { all: values(last(first)) };
    return {
      all: values(gather(last(first), masking.restore, masking.order)),
      removed: { values: values(last(first + masking.keep.shape[1]!)), tokens: masking.removed },
    };
  },
  flops: (config, { tokens, patches }) => {
    const { width, depth } = config.decoder;
    const first = config.classToken ? 1 : 0;
    return (
      2 * (tokens + first) * config.width * width +
      stackFlops(patches + first, width, depth, config.mlpRatio) +
      2 * patches * width * targetOf(config.target).size(config)
    );
  },
};

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
