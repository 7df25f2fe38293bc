import { join } from 'node:path';
import { sizeOf } from '../../graph/index.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import type { NamedTensor } from '../../io/dtypes.ts';
import { encoderParameters } from '../../models/encoder.ts';
import { segmenterParameters } from '../../models/segmenter.ts';
import type { Model } from '../model.ts';
import { layersOf, USUAL_SCALES } from './beit-config.ts';
import { block, json, type Written } from './format.ts';
import { huggingFaceConfig } from './huggingface-config.ts';
import { attentionNames, blockNames } from './huggingface-names.ts';
import { ExportError } from './part.ts';
import { rowsOf, tensorsOf, writeTensors } from './tensors.ts';
import type { Misfit } from './transformers-misfit.ts';

const CLASS = 'BeitForSemanticSegmentation';

/**
 * Writes a segmenter with UperNet as BeitForSemanticSegmentation of `transformers`, which is the same model.
 * Throws ExportError for a model that the class cannot be.
 */
export async function writeBeit(model: Model, folder: string): Promise<Written> {
  requireBeit(model);
  await writeTensors(folder, beitTensors(model));
  await writeFileAtomic(join(folder, 'config.json'), json(huggingFaceConfig(model, 'segmenter')));
  await writeFileAtomic(join(folder, 'preprocessor_config.json'), json(beitPreprocessor(model)));
  const [height, width] = model.encoder.image;
  return {
    library: 'transformers',
    usage: usage(),
    notes: [
      `\`preprocessor_config.json\` stretches a whole image to ${height} × ${width}. \`predict\` slides windows of that size over it instead: \`export --format onnx\` writes code that does so.`,
      ...(layersOf(model.segmenter!) > model.encoder.depth
        ? [
            `${CLASS} cannot read the output of its last block: a block that nothing reads follows, its weights zeros.`,
          ]
        : []),
    ],
  };
}

/** Throws ExportError for a model that the class cannot be. */
function requireBeit(model: Model): void {
  const misfit = misfitOf(model);
  if (!misfit) return;
  const { rule, got, remedy } = misfit;
  throw new ExportError(
    `${CLASS} of transformers ${rule}, got ${got}: export it with --format onnx, or train one with ${remedy}`,
  );
}

function misfitOf({ segmenter }: Model): Misfit | undefined {
  const { head, width, image, classToken } = segmenter!;
  if (head.kind !== 'upernet')
    return { rule: 'has a head of UperNet', got: 'a linear one', remedy: '--set model.head.kind=upernet' };
  const { channels, scales = USUAL_SCALES, taps } = head;
  if (!classToken)
    return {
      rule: 'has a class token',
      got: 'a model without one',
      remedy: '--set model.classToken=true from pre-training on',
    };
  if (channels !== width)
    return {
      rule: 'has as many channels in its head as in its blocks',
      got: `${channels} and ${width}`,
      remedy: `--set model.head.channels=${width}`,
    };
  if (String(scales) !== String(USUAL_SCALES))
    return {
      rule: 'has maps of the scales 4, 2, 1 and 0.5',
      got: String(scales),
      remedy: '--set model.head.scales=4,2,1,0.5',
    };
  if (taps.some((tap, i) => i > 0 && tap <= taps[i - 1]!))
    return {
      rule: 'takes blocks in their order, each once',
      got: String(taps),
      remedy: '--set model.head.taps in that order',
    };
  if (image[0] !== image[1])
    return {
      rule: 'takes square images',
      got: image.join(' × '),
      remedy: `--set model.image=${image[0]},${image[0]}`,
    };
  return undefined;
}

/** `preprocessor_config.json`: a whole image as one window. */
function beitPreprocessor({ encoder: { image, channels }, normalisation }: Model): object {
  const [height, width] = image;
  return {
    image_processor_type: 'BeitImageProcessor',
    ...{ do_resize: true, size: { height, width }, resample: 3, do_center_crop: false },
    ...{ do_rescale: true, rescale_factor: 1 / 255, do_normalize: true },
    ...{ image_mean: normalisation.mean, image_std: normalisation.std },
    ...{ do_reduce_labels: false, do_convert_rgb: channels === 3 },
  };
}

/** Names here, and what `transformers` calls them. */
const names: readonly (readonly [here: RegExp, there: string])[] = [
  [/^cls_token$/, 'beit.embeddings.cls_token'],
  [/^pos_embed$/, 'beit.embeddings.position_embeddings'],
  [/^patch_embed\.proj\./, 'beit.embeddings.patch_embeddings.projection.'],
  ...blockNames.map(([here, there]): [RegExp, string] => [
    new RegExp(`^blocks\\.(\\d+)\\.${here.replace('.', '\\.')}\\.`),
    `beit.encoder.layer.$1.${there}.`,
  ]),
  [
    /^blocks\.(\d+)\.attn\.(relative_position_bias_table)$/,
    'beit.encoder.layer.$1.attention.attention.relative_position_bias.$2',
  ],
  [/^blocks\.(\d+)\.gamma_/, 'beit.encoder.layer.$1.lambda_'],
  [/^head\.neck\.0\.up1\./, 'fpn1.0.'],
  [/^head\.neck\.0\.bn\./, 'fpn1.1.'],
  [/^head\.neck\.0\.up2\./, 'fpn1.3.'],
  [/^head\.neck\.1\.up1\./, 'fpn2.0.'],
  [/^head\.psp\.(\d+)\./, 'decode_head.psp_modules.$1.1.'],
  [/^head\.bottleneck\./, 'decode_head.bottleneck.'],
  [/^head\.(lateral|fpn)\.(\d+)\./, 'decode_head.$1_convs.$2.'],
  [/^head\.fuse\./, 'decode_head.fpn_bottleneck.'],
  [/^head\.classes\./, 'decode_head.classifier.'],
  [/^head\.auxiliary\.classes\./, 'auxiliary_head.classifier.'],
  [/^head\.auxiliary\.(conv|bn)\./, 'auxiliary_head.convs.0.$1.'],
];

/** The tensors by their names in files of `transformers`. */
export function beitTensors({
  segmenter,
  weights,
}: Pick<Model, 'segmenter' | 'weights'>): Map<string, NamedTensor> {
  const blocks = encoderParameters({ ...segmenter!, depth: layersOf(segmenter!) });
  const head = segmenterParameters(segmenter!).filter(({ part }) => part === 'head');
  const specs = [...blocks.filter(({ name }) => !name.startsWith('norm.')), ...head];
  const zeros = Object.fromEntries(specs.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]));
  const tensors = new Map<string, NamedTensor>();
  for (const [name, value] of tensorsOf({ weights: { ...zeros, ...weights } }, specs)) {
    const [, layer, kind] = /^blocks\.(\d+)\.attn\.qkv\.(weight|bias)$/.exec(name) ?? [];
    if (layer !== undefined) {
      for (const [i, there] of attentionNames.entries())
        if (kind === 'weight' || !there.endsWith('key'))
          // keys have no bias there
          tensors.set(`beit.encoder.layer.${layer}.${there}.${kind}`, rowsOf(value, i, 3));
      continue;
    }
    const [here, there] = names.find(([here]) => here.test(name))!;
    const renamed = name.replace(here, there);
    tensors.set(renamed, value);
    if (renamed.endsWith('.running_mean'))
      tensors.set(renamed.replace('running_mean', 'num_batches_tracked'), {
        dtype: 'I64',
        shape: [],
        data: BigInt64Array.of(0n),
      });
  }
  return tensors;
}

function usage(): string {
  return block('python', [
    'import torch',
    'from PIL import Image',
    `from transformers import BeitForSemanticSegmentation, BeitImageProcessor`,
    '',
    "processor = BeitImageProcessor.from_pretrained('PATH')",
    "model = BeitForSemanticSegmentation.from_pretrained('PATH').eval()",
    "image = Image.open('image.jpg').convert('RGB')",
    'with torch.no_grad():',
    "    inputs = processor(image, return_tensors='pt')",
    '    outputs = model(**inputs)',
    'sizes = [image.size[::-1]]',
    'labels = processor.post_process_semantic_segmentation(outputs, target_sizes=sizes)[0]  # [height, width]',
    'print({model.config.id2label[number] for number in labels.unique().tolist()})',
  ]);
}
