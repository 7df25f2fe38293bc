import { join } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import type { NamedTensor } from '../../io/dtypes.ts';
import { autoencoderParameters } from '../../models/autoencoder.ts';
import { classifierParameters } from '../../models/classifier.ts';
import { encoderParameters } from '../../models/encoder.ts';
import { targetOf } from '../../nn/targets/table.ts';
import { task } from '../../tasks/table.ts';
import type { Model } from '../model.ts';
import { writeBeit } from './beit.ts';
import { block, type Format, json } from './format.ts';
import { type HuggingFacePart, huggingFaceClasses, huggingFaceConfig } from './huggingface-config.ts';
import { attentionNames, blockNames } from './huggingface-names.ts';
import { ExportError } from './part.ts';
import { preprocessorConfig, preprocessorNotes } from './preprocessor.ts';
import { rowsOf, tensor, tensorsOf, writeTensors } from './tensors.ts';
import { transformersMisfit } from './transformers-misfit.ts';

/** A folder for `transformers`: ViTModel, ViTForImageClassification, BeitForSemanticSegmentation or ViTMAEForPreTraining. */
export const huggingFace: Format<HuggingFacePart> = {
  parts: ['features', 'classifier', 'segmenter', 'autoencoder'],
  async write(model, part, folder) {
    if (part === 'segmenter') return writeBeit(model, folder);
    requireFit(model, part);
    await writeTensors(folder, huggingFaceTensors(model, part));
    await writeFileAtomic(join(folder, 'config.json'), json(huggingFaceConfig(model, part)));
    await writeFileAtomic(join(folder, 'preprocessor_config.json'), json(preprocessorConfig(model)));
    return {
      library: 'transformers',
      usage: usage(part),
      notes: [...preprocessorNotes(model), ...(part === 'autoencoder' ? lossNotes(model) : [])],
    };
  },
};

/** Throws ExportError if the classes of `transformers` would compute something else. */
function requireFit({ encoder, decoder, classifier }: Model, part: VitPart): void {
  const other = 'export it with --format timm or --format onnx';
  const head = part === 'classifier' || classifier?.fcNorm ? classifier : undefined; // only the head pools
  const misfit = transformersMisfit(encoder, head);
  if (misfit)
    throw new ExportError(`${misfit.rule}, got ${misfit.got}: ${other}, or train one with ${misfit.remedy}`);
  const { image } = encoder;
  if (part === 'autoencoder' && image[0] !== image[1])
    throw new ExportError(`${huggingFaceClasses.autoencoder} takes square images, got ${image.join(' × ')}`);
  if (part !== 'autoencoder') return;
  const { kind = 'transformer' } = decoder!.decoder;
  if (kind !== 'transformer' || !targetOf(decoder!.target).toPixels)
    throw new ExportError(
      `${huggingFaceClasses.autoencoder} has a decoder of the kind transformer that predicts pixels, got ${kind} and the target ${decoder!.target}: export --part features`,
    );
}

/** Parts that are a plain ViT. */
type VitPart = Exclude<HuggingFacePart, 'segmenter'>;

/** Prefixes of the other names. */
const names: Readonly<Record<VitPart, readonly (readonly [here: string, there: string])[]>> = {
  features: encoderNames(''),
  classifier: [...encoderNames('vit.'), ['head.', 'classifier.']],
  autoencoder: [
    ...encoderNames('vit.'),
    ['decoder_blocks.', 'decoder.decoder_layers.'],
    ['decoder_', 'decoder.decoder_'],
    ['mask_token', 'decoder.mask_token'],
  ],
};

function encoderNames(prefix: string): (readonly [string, string])[] {
  return [
    ['cls_token', `${prefix}embeddings.cls_token`],
    ['pos_embed', `${prefix}embeddings.position_embeddings`],
    ['patch_embed.proj.', `${prefix}embeddings.patch_embeddings.projection.`],
    ['blocks.', `${prefix}encoder.layer.`],
    ['norm.', `${prefix}layernorm.`],
  ];
}

/** The tensors by their names in files of `transformers`. */
export function huggingFaceTensors(model: Model, part: VitPart): Map<string, NamedTensor> {
  const tensors = new Map<string, NamedTensor>();
  for (const [name, value] of tensorsOf(model, specsOf(model, part))) {
    const [, stem, index, inner, kind] =
      /^((?:decoder_)?blocks\.)(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
    if (!stem) {
      tensors.set(renamed(name, part), value);
      continue;
    }
    const at = (there: string) => `${renamed(stem, part)}${index}.${there}.${kind}`;
    if (inner === 'attn.qkv')
      for (const [i, there] of attentionNames.entries()) tensors.set(at(there), rowsOf(value, i, 3));
    else tensors.set(at(blockNames.find(([here]) => here === inner)![1]), value);
  }
  if (part === 'autoencoder') {
    // Its layer has a bias; the paper's decoder has none.
    const width = model.decoder!.decoder.width;
    tensors.set('decoder.decoder_embed.bias', tensor(new Float32Array(width), [width]));
  }
  return tensors;
}

function renamed(name: string, part: VitPart): string {
  const [here, there] = names[part].find(([here]) => name.startsWith(here))!;
  return there + name.slice(here.length);
}

function specsOf({ encoder, classifier, decoder }: Model, part: VitPart) {
  if (part === 'classifier') return classifierParameters(classifier!);
  return part === 'autoencoder' ? autoencoderParameters(decoder!) : encoderParameters(encoder);
}

function usage(part: VitPart): string {
  const name = huggingFaceClasses[part];
  const load = {
    // By default, ViTModel adds a pooler of random weights.
    features: "ViTModel.from_pretrained('PATH', add_pooling_layer=False)",
    classifier: "ViTForImageClassification.from_pretrained('PATH')",
    autoencoder: "ViTMAEForPreTraining.from_pretrained('PATH')",
  }[part];
  const then = {
    features: 'tokens = model(**inputs).last_hidden_state  # [1, 1 + N, D], the class token first',
    classifier: 'print(model.config.id2label[model(**inputs).logits.argmax(-1).item()])',
    autoencoder: 'prediction = model(**inputs).logits  # [1, N, patch * patch * channels]',
  }[part];
  return block('python', [
    'from PIL import Image',
    `from transformers import AutoImageProcessor, ${name}`,
    '',
    "processor = AutoImageProcessor.from_pretrained('PATH')",
    `model = ${load}`,
    "inputs = processor(Image.open('image.jpg'), return_tensors='pt')",
    then,
  ]);
}

/** Notes on differences between the loss of `transformers` and the training loss. */
function lossNotes({ decoder, run }: Model): string[] {
  const name = huggingFaceClasses.autoencoder;
  const notes: string[] = [];
  if (decoder!.target === 'channel' || decoder!.target === 'low-pass')
    notes.push(
      `The decoder predicts ${targetOf(decoder!.target).summary}; ${name} knows raw pixels and patches normalised as a whole. Its \`logits\` are right, its \`loss\` is against another target.`,
    );
  const trained = run?.config.task?.name;
  if (trained && trained !== 'masked')
    notes.push(
      `The model was trained with the task ${trained}; ${name} only masks: its \`loss\` is that of the task masked.`,
    );
  if (trained && !task(trained).mask)
    notes.push(
      `The task ${trained} removes no tokens: call the model with \`mask_ratio\` 0 in its configuration to see what it recovers.`,
    );
  return notes;
}
