import { ignore, keep, type NamingTable, type Rule, refuse, rename } from './naming.ts';
import { BLOCK, refusals, rest } from './timm.ts';

const UNUSED = "declared by the paper's zoomed-in encoder, which never uses it";

/**
 * The class token of a file without an encoder's prefix. Fine-tuned models with learned positions use it. Stored
 * positions are missing in the others: the computed ones cover the patches only, and the fine-tuning code adds them
 * to one token more.
 */
function classToken(names: ReadonlySet<string>): readonly Rule[] {
  if (names.has('pos_embed')) return [];
  const lone = /^cls_token$/;
  return names.has('head.weight')
    ? [
        refuse(
          lone,
          'a class token that has no position (the fine-tuning code of the paper cannot run with it)',
        ),
      ]
    : [ignore(lone, UNUSED)];
}

/**
 * The paper's code (sunsmarterjie/beyond_masking): separate biases of queries and values, none of keys, and position
 * tables that are not stored. Names of fine-tuned models do not begin with `encoder.`.
 */
export const paper: NamingTable = {
  source: 'paper',
  mark: /(^encoder\.patch_embed\.proj\.weight|\.attn\.q_bias)$/,
  before: classToken,
  rules: [
    ...refusals,
    ignore(/^encoder\.cls_token$/, UNUSED),
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
    refuse(/^(encoder|decoder)\./, 'unknown layers'),
    ...rest,
  ],
};
