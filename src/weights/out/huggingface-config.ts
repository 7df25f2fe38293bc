import type { Model } from '../model.ts';
import { beitConfig } from './beit-config.ts';
import { classNamesOf, hiddenWidth } from './format.ts';
import type { Part } from './part.ts';

/** Parts that `transformers` has classes for: its detectors are others. */
export type HuggingFacePart = Exclude<Part, 'detector'>;

/** Classes of `transformers` by part. */
export const huggingFaceClasses: Readonly<Record<HuggingFacePart, string>> = {
  features: 'ViTModel',
  classifier: 'ViTForImageClassification',
  segmenter: 'BeitForSemanticSegmentation',
  autoencoder: 'ViTMAEForPreTraining',
};

const modelTypes: Readonly<Record<HuggingFacePart, string>> = {
  features: 'vit',
  classifier: 'vit',
  segmenter: 'beit',
  autoencoder: 'vit_mae',
};

/** `config.json` for `transformers` and transformers.js. */
export function huggingFaceConfig(model: Model, part: HuggingFacePart): object {
  const { image, patch, channels, width, depth, heads, mlpRatio, epsilon = 1e-6 } = model.encoder;
  return {
    architectures: [huggingFaceClasses[part]],
    model_type: modelTypes[part],
    image_size: image[0] === image[1] ? image[0] : image,
    patch_size: patch,
    num_channels: channels,
    hidden_size: width,
    num_hidden_layers: depth,
    num_attention_heads: heads,
    intermediate_size: hiddenWidth(width, mlpRatio),
    hidden_act: 'gelu',
    layer_norm_eps: epsilon,
    qkv_bias: true,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    ...((part === 'classifier' || part === 'segmenter') && labels(model)),
    ...(part === 'segmenter' && beitConfig(model.segmenter!)),
    ...(part === 'autoencoder' && decoderConfig(model)),
  };
}

/** Class names by number, and the inverse. */
function labels(model: Model): object {
  const names = classNamesOf(model);
  const { problem } = model;
  return {
    id2label: Object.fromEntries(names.map((name, i) => [i, name])),
    label2id: Object.fromEntries(names.map((name, i) => [name, i])),
    ...(problem && { problem_type: problem === 'multi-label' ? 'multi_label_classification' : problem }),
  };
}

function decoderConfig({ decoder: config, run }: Model): object {
  const { decoder, mlpRatio, target } = config!;
  return {
    decoder_hidden_size: decoder.width,
    decoder_num_hidden_layers: decoder.depth,
    decoder_num_attention_heads: decoder.heads,
    decoder_intermediate_size: hiddenWidth(decoder.width, mlpRatio),
    mask_ratio: run?.config.task?.maskRatio ?? 0.75,
    norm_pix_loss: target === 'patch',
  };
}
