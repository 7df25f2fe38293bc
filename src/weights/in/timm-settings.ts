import { z } from 'zod';
import type { Size } from '../../image/size.ts';
import { type EvaluationView, filters } from '../../image/view.ts';
import { FileFormatError } from '../../io/file-format-error.ts';
import type { FoundSettings } from './found-settings.ts';
import { parse } from './json.ts';
import { labels } from './labels.ts';

const side = z.int().min(1);
const statistics = z.union([z.number().transform((value) => [value]), z.array(z.number()).min(1)]);
const inputSize = z
  .tuple([side, side, side])
  .transform(([, height, width]): Size => [height, width])
  .nullish();
const share = z.number().positive().nullish();

const timm = z.object({
  architecture: z.string(),
  global_pool: z.string().nullish(),
  label_names: labels.optional(),
  model_args: z
    .object({
      num_heads: z.int().min(1),
      global_pool: z.string(),
      act_layer: z.unknown(),
      no_embed_class: z.boolean().nullable(),
      img_size: z
        .union([side, z.tuple([side, side])])
        .transform((size): Size => (typeof size === 'number' ? [size, size] : size))
        .nullable(),
    })
    .partial()
    .loose()
    .nullish(),
  pretrained_cfg: z
    .object({
      input_size: inputSize,
      test_input_size: inputSize,
      mean: statistics.nullable(),
      std: statistics.nullable(),
      crop_pct: share,
      test_crop_pct: share,
      crop_mode: z
        .enum(['center', 'squash', 'border', ''], { error: 'crop_mode must be center, squash or border' })
        .nullable(),
      interpolation: z
        .enum([...filters, ''], { error: `interpolation must be one of ${filters.join(', ')}` })
        .nullable(),
      label_names: labels,
    })
    .partial()
    .loose()
    .nullish(),
});

/** timm's default (`timm/data/config.py`). */
const USUAL_CROP = 0.875;

/** Models of timm with another activation. Their weights do not show it. */
const OTHER_ACTIVATION = /siglip|quickgelu|gelutanh|so400m/;

/** Models of timm whose number of heads is unusual for their size. */
const unusualHeads: Readonly<Record<string, number>> = { vit_base_patch16_gap_224: 16 };

/** Settings of timm's `config.json`, or of this project's metadata in a file. */
export function timmSettings(path: string, json: object): FoundSettings {
  const older = 'input_size' in json && !('pretrained_cfg' in json); // older files hold all in one object
  const {
    architecture,
    model_args: args,
    pretrained_cfg: pretrained,
    ...rest
  } = parse(path, timm, older ? { ...json, pretrained_cfg: json } : json);
  if (!/^(vit|deit)_/.test(architecture))
    throw new FileFormatError(path, 'models here are plain Vision Transformers (vit_*)', architecture);
  const activation = args?.act_layer ?? OTHER_ACTIVATION.exec(architecture)?.[0] ?? 'gelu';
  if (activation !== 'gelu')
    throw new FileFormatError(path, 'the activation must be the exact GELU', activation);
  const pool = args?.global_pool ?? rest.global_pool;
  const sizes = [pretrained?.input_size, pretrained?.test_input_size];
  return {
    from: [path],
    heads: args?.num_heads ?? unusualHeads[architecture],
    pooling: pool === 'avg' ? 'mean' : pool === 'token' ? 'token' : undefined,
    image: args?.img_size ?? undefined,
    ...(args?.no_embed_class && { placedToken: false }),
    likelyImages: sizes.filter((size) => size != null),
    mean: pretrained?.mean ?? undefined,
    std: pretrained?.std ?? undefined,
    classes: rest.label_names ?? pretrained?.label_names,
    ...(pretrained?.crop_pct && { evaluationCrop: Math.min(1, pretrained.crop_pct) }),
    ...(pretrained && { view: (image: Size) => viewOf(pretrained, image) }),
  };
}

/** As `transforms_imagenet_eval` (`timm/data/transforms_factory.py`). */
function viewOf(
  pretrained: NonNullable<z.output<typeof timm>['pretrained_cfg']>,
  image: Size,
): EvaluationView {
  const { input_size: usual, test_input_size: test, crop_mode: mode, mean } = pretrained;
  const tested = test && !same(image, usual) && same(image, test) ? pretrained.test_crop_pct : undefined;
  const crop = tested ?? pretrained.crop_pct ?? USUAL_CROP;
  const resized: Size = [Math.floor(image[0] / crop), Math.floor(image[1] / crop)];
  const filter = pretrained.interpolation || 'bicubic'; // timm reads an empty text as none
  const border = mode === 'border' ? (mean ?? []).map((value) => Math.round(255 * value)) : [];
  const fit = mode === 'squash' ? 'stretch' : mode === 'border' ? 'contain' : 'cover';
  const keepsRatio = mode === 'border' || (mode !== 'squash' && resized[0] !== resized[1]);
  return { fit, resized, filter, border, rounding: keepsRatio ? 'timm' : 'torchvision' };
}

const same = (a: Size, b: Size | null | undefined) => a[0] === b?.[0] && a[1] === b[1];
