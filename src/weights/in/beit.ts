import { layers } from './huggingface.ts';
import { ignore, type NamingTable, refuse, rename } from './naming.ts';
import { refusals, rest } from './timm.ts';

const LAYER = String.raw`beit\.(?:encoder\.layer|layers)`;
const inLayer = (part: string) => new RegExp(String.raw`^${LAYER}\.(\d+)\.${part}$`);

/** Variants that BEiT shares with other models; it has layer scale and relative positions too. */
const others = refusals.filter(
  ({ match }) => ![/gamma/, /rel_pos/].some((known) => known.test(match.source)),
);

/**
 * Hugging Face's BEiT: `BeitForSemanticSegmentation`, `BeitForImageClassification`, and the encoder of `BeitForMaskedImageModeling` where
 * each block has its relative positions.
 */
export const beit: NamingTable = {
  source: 'huggingface',
  mark: /^beit\.embeddings\.patch_embeddings\.projection\.weight$/,
  rules: [
    ignore(/relative_position_index$/, 'computed'),
    refuse(/^beit\.(encoder\.)?relative_position_bias\./, 'relative positions that all blocks share'),
    rename(inLayer('lambda_([12])'), 'blocks.$1.gamma_$2'),
    rename(
      inLayer(String.raw`(?:attention\.attention\.)?relative_position_bias\.relative_position_bias_table`),
      'blocks.$1.attn.relative_position_bias_table',
    ),
    ...others,
    rename(/^beit\.embeddings\.cls_token$/, 'cls_token'),
    rename(/^beit\.embeddings\.position_embeddings$/, 'pos_embed'),
    rename(/^beit\.embeddings\.patch_embeddings\.projection\.(weight|bias)$/, 'patch_embed.proj.$1'),
    ignore(/^beit\.embeddings\.mask_token$/, 'masks tokens at the input, for pre-training'),
    ...layers(LAYER, 'blocks'),
    refuse(/^beit\.(embeddings|encoder|layers)\./, 'unknown layers'),
    rename(/^(?:beit\.)?layernorm\.(weight|bias)$/, 'norm.$1'),
    rename(/^beit\.pooler\.layernorm\.(weight|bias)$/, 'fc_norm.$1'),
    rename(/^classifier\.(weight|bias)$/, 'head.$1'),
    // The head of segmentation.
    ignore(/\.num_batches_tracked$/, 'counts batches; running averages here do not use it'),
    rename(/^fpn1\.0\.(.+)$/, 'head.neck.0.up1.$1'),
    rename(/^fpn1\.1\.(.+)$/, 'head.neck.0.bn.$1'),
    rename(/^fpn1\.3\.(.+)$/, 'head.neck.0.up2.$1'),
    rename(/^fpn2\.0\.(.+)$/, 'head.neck.1.up1.$1'),
    rename(/^decode_head\.psp_modules\.(\d+)\.1\.(.+)$/, 'head.psp.$1.$2'),
    rename(/^decode_head\.bottleneck\.(.+)$/, 'head.bottleneck.$1'),
    rename(/^decode_head\.(lateral|fpn)_convs\.(\d+)\.(.+)$/, 'head.$1.$2.$3'),
    rename(/^decode_head\.fpn_bottleneck\.(.+)$/, 'head.fuse.$1'),
    rename(/^decode_head\.classifier\.(.+)$/, 'head.classes.$1'),
    rename(/^auxiliary_head\.convs\.0\.(.+)$/, 'head.auxiliary.$1'),
    rename(/^auxiliary_head\.classifier\.(.+)$/, 'head.auxiliary.classes.$1'),
    refuse(/^(decode_head|auxiliary_head|fpn\d)\./, 'a head of segmentation of another form'),
    ...rest,
  ],
};
