import { keep, type NamingTable } from './naming.ts';
import { BLOCK, timm } from './timm.ts';

/** Masked Autoencoders (facebookresearch/mae): timm's names, and those of a decoder. */
export const mae: NamingTable = {
  source: 'mae',
  mark: /^decoder_embed\.weight$/,
  rules: [
    keep(/^(mask_token|decoder_pos_embed)$/),
    keep(/^(decoder_embed|decoder_norm|decoder_pred)\.(weight|bias)$/),
    keep(new RegExp(String.raw`^decoder_blocks\.\d+\.${BLOCK}$`)),
    ...timm.rules,
  ],
};
