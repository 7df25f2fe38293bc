import {
  add,
  broadcast,
  concat,
  constant,
  gather,
  reshape,
  sliceAxis,
  type Tensor,
} from '../../graph/index.ts';
import { crossBlock, crossBlockParameters } from '../../nn/cross-block.ts';
import { parameter, type Weights } from '../../nn/parameters.ts';
import { crossStackFlops } from '../../nn/stack-flops.ts';
import { targetOf } from '../../nn/targets/table.ts';
import type { AutoencoderConfig } from '../config.ts';
import type { Decoder } from './decoder.ts';
import { headParameters, predict } from './head.ts';
import { decoderPositions } from './positions.ts';

/**
 * CrossMAE's decoder (arXiv 2401.14391): a mask token with its position asks the encoder's tokens, and no other mask token. So
 * each patch is predicted alone, and training may predict a share of the removed ones.
 */
export const crossDecoder: Decoder = {
  summary: "blocks in which each mask token attends to the encoder's tokens alone (CrossMAE)",
  fillsEncoder: false,
  parameters: (config) => {
    const { width, depth } = config.decoder;
    return [
      parameter('mask_token', [1, 1, width], { kind: 'truncatedNormal' }),
      parameter('guide_token', [1, 1, config.width], { kind: 'truncatedNormal' }),
      decoderPositions(config),
      ...Array.from({ length: depth }, (_, i) =>
        crossBlockParameters(`decoder_blocks.${i}`, width, config.width, config.mlpRatio),
      ).flat(),
      ...headParameters(config, width, true),
    ];
  },
  decode: (config, weights, { tokens, masking, guide }) => {
    // The guide's token marks whose tokens they are: positions are those of two images.
    const context = guide ? concat([tokens, add(guide, weights('guide_token'))], 1) : tokens;
    const positions = patchPositions(config, weights); // [1, N, Dd]
    const predictAt = (places: Tensor) => {
      const { decoder, epsilon } = config;
      let x = add(places, weights('mask_token'));
      for (let i = 0; i < decoder.depth; i++)
        x = crossBlock(x, context, weights, `decoder_blocks.${i}`, decoder.heads, epsilon);
      return predict(config, weights, x, true);
    };
    const batch = tokens.shape[0]!;
    const all = predictAt(broadcast(positions, [batch, ...positions.shape.slice(1)]));
    if (!masking) return { all };
    const chosen = someOf(masking.removed, config.decoder.share ?? 1);
    return { all, removed: { values: predictAt(gather(positions, chosen)), tokens: chosen } };
  },
  flops: (config, { tokens, removed, patches }) => {
    const { width, depth, share = 1 } = config.decoder;
    const queries = removed > 0 ? shareOf(removed, share) : patches;
    const keys = tokens + (config.classToken ? 1 : 0);
    return (
      crossStackFlops({ queries, keys, keyWidth: config.width }, width, depth, config.mlpRatio) +
      2 * queries * width * targetOf(config.target).size(config)
    );
  },
};

function patchPositions(config: AutoencoderConfig, weights: Weights): Tensor {
  const positions = weights('decoder_pos_embed');
  return sliceAxis(positions, 1, config.classToken ? 1 : 0, positions.shape[1]!);
}

const shareOf = (removed: number, share: number) => Math.max(1, Math.round(removed * share));

/** A share of the removed tokens [B, R], evenly along their order, which may have a pattern: [B, M]. */
function someOf(removed: Tensor, share: number): Tensor {
  const [batch, count] = removed.shape as [number, number];
  const chosen = shareOf(count, share);
  if (chosen === count) return removed;
  const places = Int32Array.from({ length: batch * chosen }, (_, i) =>
    Math.floor(((i % chosen) * count) / chosen),
  );
  const rows = reshape(removed, [batch, count, 1]);
  return reshape(gather(rows, constant(places, [batch, chosen])), [batch, chosen]);
}
