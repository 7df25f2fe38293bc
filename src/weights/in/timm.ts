import { ignore, keep, type NamingTable, type Rule, refuse } from './naming.ts';

/** Names of a block's weights, without the block's prefix. */
export const BLOCK = String.raw`(?:norm1|norm2|attn\.qkv|attn\.proj|mlp\.fc1|mlp\.fc2)\.(?:weight|bias)`;

/**
 * Variants of a Vision Transformer with other layers. Loading the rest of their weights would give other features.
 */
export const refusals: readonly Rule[] = [
  refuse(/(^|\.)(dist_token|head_dist\..*)$/, 'a distillation token (DeiT)'),
  refuse(/(^|\.)(reg_token|register_tokens)$/, 'register tokens'),
  refuse(/(^|\.)norm_pre\./, 'a norm before the blocks (CLIP)'),
  refuse(/\.(ls[12]\.gamma|gamma_[12]|layer_scale\d?\.\w+)$/, 'layer scale'),
  refuse(/\.attn\.(norm|[qk]_norm)\./, 'norms inside of the attention'),
  refuse(/rel_pos|relative_position/, 'relative positions'),
  refuse(/^attn_pool\./, 'attention pooling'),
  refuse(/^pre_logits\./, 'a hidden layer before the head'),
];

/** For the ends of tables: refuses unknown parts of a model's computation, and ignores the rest. */
export const rest: readonly Rule[] = [
  refuse(/^(blocks|patch_embed|pos_embed|cls_token|norm)/, 'unknown layers'),
  ignore(/./, 'no part of an encoder, decoder or linear head'),
];

/** PyTorch Image Models, `vit_*`. This project uses the same names. */
export const timm: NamingTable = {
  source: 'timm',
  mark: /^patch_embed\.proj\.weight$/,
  rules: [
    ...refusals,
    keep(/^(cls_token|pos_embed)$/),
    keep(/^patch_embed\.proj\.(weight|bias)$/),
    keep(new RegExp(String.raw`^blocks\.\d+\.${BLOCK}$`)),
    keep(/^(norm|fc_norm|head)\.(weight|bias)$/),
    ...rest,
  ],
};
