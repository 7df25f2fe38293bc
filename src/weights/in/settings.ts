import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Size } from '../../image/size.ts';
import { FileFormatError } from '../../io/file-format-error.ts';
import type { TensorFile } from '../../io/tensor-file.ts';
import type { Pooling } from '../../models/classifier.ts';
import type { TargetKind } from '../../nn/target.ts';

/** What the shapes of weights do not tell, as far as it was found beside them. */
export interface FoundSettings {
  /** Files and fields that told it. */
  readonly from: readonly string[];
  readonly heads?: number | undefined;
  readonly decoderHeads?: number | undefined;
  readonly epsilon?: number | undefined;
  readonly image?: Size | undefined;
  readonly target?: TargetKind | undefined;
  readonly pooling?: Pooling | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  readonly evaluationCrop?: number | undefined;
}

/** A list of the names of 21,000 classes has 1 MB. */
const MAX_JSON_BYTES = 20_000_000;

const side = z.int().min(1);
const statistics = z.array(z.number()).min(1);

const huggingface = z.object({
  model_type: z.enum(['vit', 'vit_mae'], { error: 'model_type must be vit or vit_mae' }),
  num_attention_heads: z.int().min(1).default(12),
  hidden_act: z.literal('gelu', { error: 'hidden_act must be gelu, the exact one' }).default('gelu'),
  layer_norm_eps: z.number().positive().default(1e-12),
  image_size: z.union([side, z.tuple([side, side])]).default(224),
  decoder_num_attention_heads: z.int().min(1).default(16),
  norm_pix_loss: z.boolean().default(false),
  id2label: z.record(z.string(), z.string()).optional(),
});

const preprocessor = z.object({
  image_mean: statistics.optional(),
  image_std: statistics.optional(),
  do_center_crop: z.boolean().nullish(),
  size: z.object({ shortest_edge: side.optional() }).loose().optional().catch(undefined),
  crop_size: z.object({ height: side }).loose().optional().catch(undefined),
});

const timm = z.object({
  architecture: z.string(),
  global_pool: z.string().optional(),
  label_names: z.array(z.string()).optional().catch(undefined),
  model_args: z
    .object({ num_heads: z.int().min(1), global_pool: z.string(), act_layer: z.unknown() })
    .partial()
    .loose()
    .optional(),
  pretrained_cfg: z
    .object({
      input_size: z.tuple([side, side, side]),
      mean: statistics,
      std: statistics,
      crop_pct: z.number().positive().max(1),
    })
    .partial()
    .loose()
    .optional(),
});

/**
 * Settings beside a file's weights: `config.json` and `preprocessor_config.json` of Hugging Face, `config.json` of timm,
 * the options (`args`) of the script that saved a PyTorch file.
 * Throws FileFormatError for a configuration that the models here cannot follow.
 */
export async function findSettings(file: TensorFile, source: string): Promise<FoundSettings> {
  const config = join(dirname(file.path), 'config.json');
  const found = await readJson(config);
  if (source === 'huggingface')
    return found ? fromHuggingFace(config, found, await preprocessing(file.path)) : { from: [] };
  if (found && 'architecture' in found) return fromTimm(config, found);
  const { architecture, arguments: args } = file.metadata; // as this project exports
  if (architecture !== undefined)
    return fromTimm(file.path, { architecture, model_args: jsonOf(file.path, args) });
  const { norm_pix_loss: normalised, input_size: input } = file.settings;
  return {
    from: [normalised, input].some((value) => value !== undefined) ? ['args in the file'] : [],
    ...(typeof normalised === 'boolean' && { target: normalised ? 'patch' : 'none' }),
    ...(typeof input === 'number' && { image: [input, input] }),
  };
}

function fromHuggingFace(
  path: string,
  json: object,
  { from, ...preprocessing }: FoundSettings,
): FoundSettings {
  const config = parse(path, huggingface, json);
  const { image_size: size, id2label } = config;
  const labels = Object.entries(id2label ?? {}).sort(([a], [b]) => Number(a) - Number(b));
  const classes = labels.map(([, label]) => label);
  const named = classes.length > 0 && !classes.every((label, i) => label === `LABEL_${i}`);
  return {
    from: [path, ...from],
    heads: config.num_attention_heads,
    decoderHeads: config.decoder_num_attention_heads,
    epsilon: config.layer_norm_eps,
    image: typeof size === 'number' ? [size, size] : size,
    target: config.norm_pix_loss ? 'patch' : 'none',
    pooling: 'token',
    ...(named && { classes }),
    ...preprocessing,
  };
}

/** Hugging Face resizes to the model's size without cropping, unless its file says that it crops. */
async function preprocessing(weights: string): Promise<FoundSettings> {
  const path = join(dirname(weights), 'preprocessor_config.json');
  const json = await readJson(path);
  if (!json) return { from: [] };
  const { image_mean, image_std, do_center_crop, size, crop_size } = parse(path, preprocessor, json);
  const [cropped, whole] = do_center_crop ? [crop_size?.height, size?.shortest_edge] : [];
  return {
    from: [path],
    mean: image_mean,
    std: image_std,
    evaluationCrop: cropped && whole ? Math.min(1, cropped / whole) : 1,
  };
}

/** Models of timm with another activation, which their weights do not show. */
const OTHER_ACTIVATION = /siglip|quickgelu|gelutanh|so400m/;

/** Models of timm whose heads are not those of other models of their size. */
const unusualHeads: Readonly<Record<string, number>> = { vit_base_patch16_gap_224: 16 };

function fromTimm(path: string, json: object): FoundSettings {
  const { architecture, model_args: args, pretrained_cfg: pretrained, ...rest } = parse(path, timm, json);
  if (!/^(vit|deit)_/.test(architecture))
    throw new FileFormatError(path, 'models here are plain Vision Transformers (vit_*)', architecture);
  const activation = args?.act_layer ?? OTHER_ACTIVATION.exec(architecture)?.[0] ?? 'gelu';
  if (activation !== 'gelu')
    throw new FileFormatError(path, 'the activation must be the exact GELU', activation);
  const pool = args?.global_pool ?? rest.global_pool;
  return {
    from: [path],
    heads: args?.num_heads ?? unusualHeads[architecture],
    pooling: pool === 'avg' ? 'mean' : pool === 'token' ? 'token' : undefined,
    image: pretrained?.input_size && [pretrained.input_size[1], pretrained.input_size[2]],
    mean: pretrained?.mean,
    std: pretrained?.std,
    evaluationCrop: pretrained?.crop_pct,
    ...(rest.label_names && { classes: rest.label_names }),
  };
}

/** Throws FileFormatError for what is not JSON. */
function jsonOf(path: string, text = '{}'): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FileFormatError(path, 'settings must be JSON', (error as Error).message);
  }
}

/** An object from a JSON file; undefined where there is none, or it is something else. */
async function readJson(path: string): Promise<object | undefined> {
  try {
    const { size } = await stat(path);
    if (size > MAX_JSON_BYTES)
      throw new FileFormatError(path, `it must have at most ${MAX_JSON_BYTES} bytes`, size);
    const json = jsonOf(path, await readFile(path, 'utf8'));
    return typeof json === 'object' && json !== null ? json : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse<T>(path: string, schema: z.ZodType<T>, json: object): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const { path: keys, message } = result.error.issues[0]!;
  const got = keys.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)?.[key], json);
  throw new FileFormatError(path, `${keys.join('.')}: ${message}`, got);
}
