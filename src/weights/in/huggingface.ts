import { ignore, type NamingTable, type Rule, refuse, rename, type Slot } from './naming.ts';
import { refusals, rest } from './timm.ts';

/**
 * Layers of a stack, by the names in files and those of `transformers` 5 in memory (`state_dict()`). Separate
 * queries, keys and values become one tensor here.
 */
export function layers(theirs: string, ours: string): Rule[] {
  const layer = (part: string, to: string, slot?: Slot) =>
    rename(new RegExp(String.raw`^${theirs}\.(\d+)\.${part}\.(weight|bias)$`), `${ours}.$1.${to}.$2`, slot);
  return [
    ignore(
      new RegExp(String.raw`^${theirs}\.\d+\.attention\.(?:attention\.key|k_proj)\.bias$`),
      'biases of keys do not change the attention: softmax is the same for all',
    ),
    layer(String.raw`attention\.(?:attention\.query|q_proj)`, 'attn.qkv', 'query'),
    layer(String.raw`attention\.(?:attention\.key|k_proj)`, 'attn.qkv', 'key'),
    layer(String.raw`attention\.(?:attention\.value|v_proj)`, 'attn.qkv', 'value'),
    layer(String.raw`attention\.(?:output\.dense|o_proj)`, 'attn.proj'),
    layer('layernorm_before', 'norm1'),
    layer('layernorm_after', 'norm2'),
    layer(String.raw`(?:intermediate\.dense|mlp\.fc1)`, 'mlp.fc1'),
    layer(String.raw`(?:output\.dense|mlp\.fc2)`, 'mlp.fc2'),
  ];
}

/**
 * Hugging Face's `ViTModel`, `ViTForImageClassification`, `ViTForMaskedImageModeling` (its encoder), `ViTMAEModel`
 * and `ViTMAEForPreTraining`. Models with a head put `vit.` before the encoder's names.
 */
export const huggingface: NamingTable = {
  source: 'huggingface',
  mark: /^(vit\.)?embeddings\.patch_embeddings\.projection\.weight$/,
  rules: [
    ...refusals,
    rename(/^(?:vit\.)?embeddings\.cls_token$/, 'cls_token'),
    rename(/^(?:vit\.)?embeddings\.position_embeddings$/, 'pos_embed'),
    rename(/^(?:vit\.)?embeddings\.patch_embeddings\.projection\.(weight|bias)$/, 'patch_embed.proj.$1'),
    ignore(/^(?:vit\.)?embeddings\.mask_token$/, 'masks tokens at the input, for another pre-training'),
    refuse(/^(?:vit\.)?embeddings\./, 'unknown embeddings'),
    ...layers(String.raw`(?:vit\.)?(?:encoder\.layer|layers)`, 'blocks'),
    rename(/^(?:vit\.)?layernorm\.(weight|bias)$/, 'norm.$1'),
    ignore(/^(?:vit\.)?pooler\./, 'a layer on the class token that images were not classified with'),
    rename(/^classifier\.(weight|bias)$/, 'head.$1'),
    rename(/^decoder\.(mask_token)$/, '$1'),
    rename(
      /^decoder\.(decoder_pos_embed|(?:decoder_embed|decoder_norm|decoder_pred)\.(?:weight|bias))$/,
      '$1',
    ),
    ...layers(String.raw`decoder\.(?:decoder_layers|decoder_encoder\.layer)`, 'decoder_blocks'),
    ignore(
      /^decoder\.0\.(weight|bias)$/,
      'the one layer that makes pixels of tokens in ViTForMaskedImageModeling',
    ),
    refuse(/^((vit\.)?(encoder|layers)|decoder)\./, 'unknown layers'),
    ...rest,
  ],
};
