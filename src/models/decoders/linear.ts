import { gather, sliceAxis } from '../../graph/index.ts';
import { parameter } from '../../nn/parameters.ts';
import { targetOf } from '../../nn/targets/table.ts';
import type { Decoder } from './decoder.ts';
import { headParameters, predict } from './head.ts';

/** One linear layer (SimMIM, arXiv 2111.09886; MFM, arXiv 2206.07706): the encoder itself recovers the image. */
export const linearDecoder: Decoder = {
  summary: 'one linear layer; the encoder sees a mask token for each removed one (SimMIM, MFM)',
  fillsEncoder: true,
  parameters: (config) => [
    parameter('mask_token', [1, 1, config.width], { kind: 'truncatedNormal' }),
    ...headParameters(config, config.width, false),
  ],
  decode: (config, weights, { tokens, masking }) => {
    const patches = sliceAxis(tokens, 1, config.classToken ? 1 : 0, tokens.shape[1]!);
    const all = predict(config, weights, patches, false);
    if (!masking) return { all };
    const removed = predict(config, weights, gather(patches, masking.removed), false);
    return { all, removed: { values: removed, tokens: masking.removed } };
  },
  flops: (config, { patches }) => 2 * patches * config.width * targetOf(config.target).size(config),
};
