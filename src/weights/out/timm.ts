import { join } from 'node:path';
import type { Size } from '../../image/size.ts';
import type { EvaluationView } from '../../image/view.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { classifierParameters } from '../../models/classifier.ts';
import { modelSizes } from '../../models/sizes.ts';
import type { Model } from '../model.ts';
import { block, type Format, hiddenWidth, json } from './format.ts';
import { featuresOf, type Part } from './part.ts';
import { tensorsOf, writeTensors } from './tensors.ts';

type Argument = number | boolean | string | readonly number[];

/** A timm architecture and the `create_model` arguments that differ from its defaults. */
export interface TimmModel {
  readonly architecture: string;
  readonly args: Readonly<Record<string, Argument>>;
}

const EPSILON = 1e-6;

/** timm's model names by size. */
const architectures = Object.entries(modelSizes)
  .filter(([, { image }]) => image[0] === 224)
  .map(([name, size]) => ({ architecture: `vit_${name}_patch${size.patch}_224`, ...size }));

/**
 * The `timm.create_model` call for the model: the timm model of the same width, depth and heads (else
 * `vit_base_patch16_224`), with the differences as arguments.
 */
export function timmModel(model: Model, part: Part): TimmModel {
  const { image, patch, channels, width, depth, heads, mlpRatio, classToken } = model.encoder;
  const { pooling, fcNorm } = featuresOf(model);
  const base = architectures.find(({ architecture }) => architecture === 'vit_base_patch16_224')!;
  const like = (known: typeof base) =>
    known.width === width && known.depth === depth && known.heads === heads;
  const known =
    architectures.find((each) => like(each) && each.patch === patch) ?? architectures.find(like) ?? base;
  const hidden = hiddenWidth(width, mlpRatio);
  const changes: Record<string, [value: Argument, usual: Argument]> = {
    img_size: [image[0] === image[1] ? image[0] : image, 224],
    patch_size: [patch, known.patch],
    in_chans: [channels, 3],
    embed_dim: [width, known.width],
    depth: [depth, known.depth],
    num_heads: [heads, known.heads],
    mlp_ratio: [ratioOf(hidden, width), 4],
    class_token: [classToken, true],
    global_pool: [pooling === 'mean' ? 'avg' : 'token', 'token'],
    fc_norm: [fcNorm, pooling === 'mean'],
    num_classes: [part === 'classifier' ? model.classifier!.classes : 0, 1000],
  };
  const args = Object.entries(changes).filter(([, [value, usual]]) => value !== usual);
  return {
    architecture: known.architecture,
    args: Object.fromEntries(args.map(([name, [value]]) => [name, value])),
  };
}

/** A ratio from which timm computes `hidden` exactly: it truncates ratio · width. */
function ratioOf(hidden: number, width: number): number {
  const ratio = hidden / width;
  return Math.floor(ratio * width) === hidden ? ratio : (hidden + 0.5) / width;
}

/**
 * A folder for timm: `model.safetensors`, and `config.json` for `timm.create_model('local-dir:…')`. The tensors keep
 * this project's names.
 */
export const timm: Format = {
  parts: ['features', 'classifier'],
  async write(model, part, folder) {
    const call = timmModel(model, part);
    const config = { ...featuresOf(model), classes: model.classifier?.classes ?? 2 };
    const specs = classifierParameters(config).filter(
      (spec) => part === 'classifier' || spec.part !== 'head',
    );
    await writeTensors(folder, tensorsOf(model, specs), {
      architecture: call.architecture,
      arguments: JSON.stringify(call.args),
    });
    await writeFileAtomic(join(folder, 'config.json'), json(folderConfig(model, call)));
    return { library: 'timm', usage: usage(model, call), notes: notesOf(model, part) };
  },
};

/** Settings that timm does not support. */
function notesOf({ problem, evaluationView: view, encoder: { image } }: Model, part: Part): string[] {
  return [
    part === 'classifier' &&
      problem === 'multi-label' &&
      'An image may have several labels: take the sigmoid of each logit. timm has no setting that says so.',
    part === 'classifier' && problem === 'regression' && 'The logits are values of a regression.',
    view?.fit === 'keep' && "timm's transform resizes pictures; evaluation cut them as they are.",
    view &&
      view.fit !== 'keep' &&
      image[0] / view.resized[0] !== image[1] / view.resized[1] &&
      "timm's transform has one share for both sides; evaluation had one for each.",
  ].filter((note) => typeof note === 'string');
}

/** `config.json` of a timm folder: the model, and its image preprocessing. */
function folderConfig(model: Model, { architecture, args }: TimmModel): object {
  const { encoder, normalisation, evaluationCrop, evaluationView: view, classes } = model;
  return {
    architecture,
    num_classes: args.num_classes ?? 1000,
    num_features: encoder.width,
    global_pool: args.global_pool ?? 'token',
    ...(args.num_classes !== 0 && classes && { label_names: classes }),
    model_args: args,
    pretrained_cfg: {
      input_size: [encoder.channels, ...encoder.image],
      fixed_input_size: true,
      interpolation: view?.filter ?? 'bicubic',
      crop_pct: view ? cropShare(view, encoder.image) : evaluationCrop,
      crop_mode: view ? cropModes[view.fit] : 'center',
      mean: normalisation.mean,
      std: normalisation.std,
      num_classes: args.num_classes ?? 1000,
      first_conv: 'patch_embed.proj',
      classifier: 'head',
    },
  };
}

const cropModes = { cover: 'center', contain: 'border', stretch: 'squash', keep: 'center' } as const;

/** timm's `crop_pct`: it divides the image's side by it to get the size before the crop. */
function cropShare({ fit, resized }: EvaluationView, image: Size): number {
  if (fit === 'keep') return 1;
  const exact = image[0] / resized[0];
  // timm rounds down, so an error in the last bit must not cost a pixel.
  return Math.floor(image[0] / exact) === resized[0] ? exact : image[0] / (resized[0] + 0.25);
}

function usage({ encoder: { epsilon = EPSILON } }: Model, { architecture, args }: TimmModel): string {
  const own = epsilon !== EPSILON;
  const norm = own ? [`norm_layer=partial(torch.nn.LayerNorm, eps=${epsilon})`] : [];
  const entries = Object.entries(args).map(([name, value]) => `${name}=${python(value)}`);
  const imports = own ? ['from functools import partial', 'import torch'] : [];
  return [
    block('python', [
      ...imports,
      'import timm',
      '',
      `model = timm.create_model(${["'local-dir:PATH'", 'pretrained=True', ...norm].join(', ')}).eval()`,
      'transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))',
    ]),
    'or, from the weights alone:',
    block('python', [
      ...imports,
      'import timm',
      'from safetensors.torch import load_file',
      '',
      `model = timm.create_model(${[`'${architecture}'`, ...entries, ...norm].join(', ')})`,
      "model.load_state_dict(load_file('PATH/model.safetensors'), strict=True)",
    ]),
  ].join('\n\n');
}

function python(value: Argument): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? `'${value}'` : `(${value.join(', ')})`;
}
