import { GREY_IMAGENET, IMAGENET, type Normalisation } from '../../image/normalise.ts';
import type { Size } from '../../image/size.ts';
import type { EvaluationView } from '../../image/view.ts';
import { FileFormatError } from '../../io/file-format-error.ts';
import type { TensorFile } from '../../io/tensor-file-types.ts';
import { plural } from '../../text/plural.ts';
import type { FoundModel, ModelDescription } from '../description.ts';
import { requireFinite } from '../finite.ts';
import type { TensorFate } from '../report.ts';
import { type Renamed, readRenamed, renameAll, tensorsOf } from './assemble.ts';
import { classNames } from './labels.ts';
import { findNaming } from './naming.ts';
import { adaptWeights, isJointBias, planWeights } from './plan.ts';
import { positionsOf } from './positions.ts';
import { findSettings } from './settings.ts';
import { autoencoderOf, classifierOf, decoderFault, type Evidence, encoderOf, segmenterOf } from './sizes.ts';
import { tables } from './tables.ts';

/** Settings that the shapes of weights do not determine. They apply if the file does not give them either. */
export interface ForeignOptions {
  /** Attention heads of the encoder. */
  readonly heads?: number | undefined;
  /** The same, only for an encoder that does not have one of the usual sizes, whose heads are known. */
  readonly unusualHeads?: number | undefined;
  /** Attention heads of the decoder. */
  readonly decoderHeads?: number | undefined;
  /** Height and width of the images; overrides the file. */
  readonly image?: Size | undefined;
  /** The same, only if the file allows several sizes. */
  readonly usualImage?: Size | undefined;
}

/** Crop of evaluation views if the file gives none: 224 of 256 pixels. */
const USUAL_CROP = 224 / 256;

/**
 * Recognises a file of another project. Reads only positions among the weights. Throws FileFormatError for unknown
 * names, for a model that differs from this project's, and for shapes that do not fit each other.
 */
export async function understandForeign(file: TensorFile, options: ForeignOptions = {}): Promise<FoundModel> {
  const { path } = file;
  const naming = findNaming(tables, file.tensors.keys());
  if (!naming)
    throw new FileFormatError(
      path,
      "weights must have the names of a Vision Transformer in timm, MAE, the paper's code or Hugging Face",
      [...file.tensors.keys()].slice(0, 3).join(', ') || 'no tensors',
    );
  const { table } = naming;
  const renamed = renameAll(file, naming);
  const found = await findSettings(file, table.source);
  const notes = [...file.notes, ...naming.notes, ...found.from.map((from) => `settings from ${from}`)];
  const evidence: Evidence = {
    path,
    source: table.source,
    shapes: renamed.shapes,
    found,
    notes,
    ...options,
  };
  const sizes = encoderOf(evidence);
  const encoder = { ...sizes, positions: await positionsOf(file, renamed, sizes, table.source) };
  const fault = decoderFault(evidence, encoder);
  const decoder = fault === undefined ? autoencoderOf(evidence, encoder) : undefined;
  const classifier = classifierOf(evidence, encoder);
  const segmenter = segmenterOf(evidence, encoder);
  const parts = {
    encoder,
    ...(decoder && { decoder }),
    ...(classifier && { classifier }),
    ...(segmenter && { segmenter }),
  };
  const plan = planWeights(path, parts, renamed.shapes);
  const normalisation = normalisationOf(evidence, encoder.channels);
  if (table.source !== 'huggingface' && plan.names.some(isJointBias))
    notes.push('biases of keys are set to 0, because softmax cancels them');
  if (file.others.length > 0) notes.push(`not used, besides the weights: ${file.others.join(', ')}`);
  const labelled = segmenter ?? classifier;
  const classes = labelled && classNames(found.classes, labelled.classes);
  const evaluationView = found.view?.(encoder.image);
  const description: ModelDescription = {
    source: table.source,
    path,
    ...parts,
    ...(classes && { classes }),
    ...(classifier && found.problem && { problem: found.problem }),
    normalisation,
    evaluationCrop:
      found.evaluationCrop ?? (evaluationView ? cropOf(evaluationView, encoder.image) : USUAL_CROP),
    ...(evaluationView && { evaluationView }),
    report: { tensors: fatesOf(file, renamed, plan.names, fault), missing: plan.missing, notes },
  };
  return {
    description,
    async load() {
      const weights = await readRenamed(file, renamed, plan.names);
      requireFinite(path, tensorsOf(file, renamed, weights));
      return { ...description, weights: adaptWeights(plan, weights) };
    },
  };
}

/** Fraction of the shorter side in a view, for runs that start from the model. */
function cropOf({ resized }: EvaluationView, image: Size): number {
  return Math.min(1, image[0] / resized[0], image[1] / resized[1]);
}

function normalisationOf({ path, found, notes, source }: Evidence, channels: number): Normalisation {
  const each = (values: readonly number[]) =>
    values.length === 1 ? Array.from({ length: channels }, () => values[0]!) : values;
  if (found.mean && found.std) {
    const [mean, std] = [each(found.mean), each(found.std)];
    if (mean.length === channels && std.length === channels && std.every((s) => s > 0)) return { mean, std };
    throw new FileFormatError(
      path,
      `mean and deviation must be given for each of ${plural(channels, 'channel')}`,
      `[${found.mean}] and [${found.std}]`,
    );
  }
  if (channels === IMAGENET.mean.length) {
    notes.push("the file does not say how pixels are normalised: assuming ImageNet's mean and deviation");
    return IMAGENET;
  }
  if (channels === 1 && source === 'paper') {
    notes.push(
      "the file does not say how pixels are normalised: assuming ImageNet's mean and deviation of grey",
    );
    return GREY_IMAGENET;
  }
  notes.push('the file does not say how pixels are normalised: assuming [-1, 1]');
  const half = Array.from({ length: channels }, () => 0.5);
  return { mean: half, std: half };
}

/** Result for each tensor of the file, in its order. */
function fatesOf(
  file: TensorFile,
  { fates }: Renamed,
  names: readonly string[],
  decoderFault: string | undefined,
): TensorFate[] {
  const taken = new Set(names);
  return [...file.tensors.keys()].map((tensor) => {
    const fate = fates.get(tensor)!;
    if (fate.fate === 'ignored') return fate;
    if (fate.name === 'decoder_embed.bias' && taken.has(fate.name))
      return {
        ...fate,
        fate: 'renamed',
        name: 'decoder_pos_embed, mask_token',
        reason: 'added to the one and taken off the other, which computes the same',
      };
    if (taken.has(fate.name!)) return fate;
    const { name, ...rest } = fate;
    const ofDecoder = /^(decoder_|mask_token)/.test(name!);
    const reason = name!.startsWith('blocks.')
      ? 'no head takes the output of that block'
      : 'the rest of that part of a model is not in the file';
    return { ...rest, fate: 'ignored', reason: (ofDecoder ? decoderFault : undefined) ?? reason };
  });
}
