import { keep, type NamingTable, refuse, rename } from './naming.ts';
import { BLOCK, refusals, rest } from './timm.ts';

/**
 * The paper's own code (sunsmarterjie/beyond_masking): biases of queries and values apart and none of keys, position
 * tables that are not stored. Names of fine-tuned models have no `encoder.` before them.
 */
export const paper: NamingTable = {
  source: 'paper',
  mark: /(^encoder\.patch_embed\.proj\.weight|\.attn\.q_bias)$/,
  rules: [
    ...refusals,
    rename(/^(?:encoder\.)?(cls_token|pos_embed)$/, '$1'),
    rename(/^(?:encoder\.)?(patch_embed\.proj\.(?:weight|bias))$/, '$1'),
    rename(/^(?:encoder\.)?(blocks\.\d+\.attn)\.q_bias$/, '$1.qkv.bias', 'query'),
    rename(/^(?:encoder\.)?(blocks\.\d+\.attn)\.v_bias$/, '$1.qkv.bias', 'value'),
    rename(new RegExp(String.raw`^(?:encoder\.)?(blocks\.\d+\.${BLOCK})$`), '$1'),
    rename(/^(?:encoder\.)?((?:norm|fc_norm|head)\.(?:weight|bias))$/, '$1'),
    rename(/^encoder_to_decoder\.weight$/, 'decoder_embed.weight'),
    keep(/^mask_token$/),
    rename(/^decoder\.(blocks\.\d+\.attn)\.q_bias$/, 'decoder_$1.qkv.bias', 'query'),
    rename(/^decoder\.(blocks\.\d+\.attn)\.v_bias$/, 'decoder_$1.qkv.bias', 'value'),
    rename(new RegExp(String.raw`^decoder\.(blocks\.\d+\.${BLOCK})$`), 'decoder_$1'),
    rename(/^decoder\.(norm\.(?:weight|bias))$/, 'decoder_$1'),
    rename(/^decoder\.head\.(weight|bias)$/, 'decoder_pred.$1'),
    refuse(/^(encoder|decoder)\./, 'layers that are unknown here'),
    ...rest,
  ],
};
