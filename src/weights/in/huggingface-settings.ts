import { z } from 'zod';
import type { Size } from '../../image/size.ts';
import type { FoundSettings } from './found-settings.ts';
import { parse } from './json.ts';
import { labels } from './labels.ts';
import { preprocessing } from './preprocessing.ts';

const side = z.int().min(1);

const config = z.object({
  model_type: z.enum(['vit', 'vit_mae', 'beit'], { error: 'model_type must be vit, vit_mae or beit' }),
  num_attention_heads: z.int().min(1).default(12),
  hidden_act: z.literal('gelu', { error: 'hidden_act must be gelu, the exact one' }).default('gelu'),
  layer_norm_eps: z.number().positive().default(1e-12),
  image_size: z
    .union([side, z.tuple([side, side])])
    .transform((size): Size => (typeof size === 'number' ? [size, size] : size))
    .default([224, 224]),
  decoder_num_attention_heads: z.int().min(1).default(16),
  norm_pix_loss: z.boolean().default(false),
  out_indices: z.array(z.int()).nullish(),
  pool_scales: z.array(side).optional(),
  layer_scale_init_value: z.number().optional(),
  use_mean_pooling: z.boolean().optional(),
  unread_layers: z.int().min(0).optional(),
  id2label: labels.optional(),
  problem_type: z
    .enum(['single_label_classification', 'multi_label_classification', 'regression'], {
      error: 'problem_type must be single_label_classification, multi_label_classification or regression',
    })
    .nullish(),
});

const problems = { multi_label_classification: 'multi-label', regression: 'regression' } as const;

/** Settings from Hugging Face's `config.json` and `preprocessor_config.json`, each with its path for errors. */
export function huggingFaceSettings(
  path: string,
  json: object | undefined,
  preprocessorPath: string,
  preprocessor: object | undefined,
): FoundSettings {
  const prepared = preprocessor ? preprocessing(preprocessorPath, preprocessor) : { from: [] };
  if (!json) return prepared;
  const settings = parse(path, config, json);
  const { id2label, problem_type: problem } = settings;
  const named = id2label && Object.entries(id2label).some(([number, name]) => name !== `LABEL_${number}`);
  return {
    ...prepared,
    from: [path, ...prepared.from],
    heads: settings.num_attention_heads,
    decoderHeads: settings.decoder_num_attention_heads,
    epsilon: settings.layer_norm_eps,
    image: settings.image_size,
    placedToken: true,
    target: settings.norm_pix_loss ? 'patch' : 'none',
    pooling: settings.model_type === 'beit' && settings.use_mean_pooling !== false ? 'mean' : 'token',
    ...(settings.model_type === 'beit' && beitSettings(settings)),
    ...(named && { classes: id2label }),
    ...(problem && problem !== 'single_label_classification' && { problem: problems[problem] }),
  };
}

/** `out_indices` counts the embeddings as 1. */
function beitSettings(settings: z.output<typeof config>): Partial<FoundSettings> {
  const { out_indices: indices, pool_scales: pools, layer_scale_init_value: layerScale } = settings;
  return {
    ...(indices && { taps: indices.map((index) => index - 2) }),
    ...{ pools, layerScale, unreadLayers: settings.unread_layers },
  };
}
