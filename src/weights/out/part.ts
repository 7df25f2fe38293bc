import type { ClassifierConfig } from '../../models/classifier.ts';
import { suggestion } from '../../text/nearest.ts';
import { featureFault } from '../feature-fault.ts';
import type { Model } from '../model.ts';

/** Part of a model to export: pooled features, class scores of images or of pixels, objects, or encoder and decoder. */
export type Part = 'features' | 'classifier' | 'segmenter' | 'detector' | 'autoencoder';

export const parts: readonly Part[] = ['features', 'classifier', 'segmenter', 'detector', 'autoencoder'];

/** The format does not support the model. The message gives the reason and an alternative. */
export class ExportError extends Error {
  override readonly name = 'ExportError';
}

/** The segmenter, detector or classifier if there is a head, else the features. */
export function defaultPart({
  classifier,
  segmenter,
  detector,
}: Pick<Model, 'classifier' | 'segmenter' | 'detector'>): Part {
  if (segmenter) return 'segmenter';
  if (detector) return 'detector';
  return classifier ? 'classifier' : 'features';
}

/** Throws ExportError if the file does not have the part, or the format does not support it. */
export function requirePart(model: Model, part: Part, format: string, possible: readonly Part[]): void {
  if (part === 'detector' && model.detector && !possible.includes(part))
    throw new ExportError(
      `the format ${format} has no detectors, got ${model.path} of a detection: export it with --format onnx`,
    );
  if (!possible.includes(part))
    throw new ExportError(
      `the format ${format} takes the parts ${possible.join(' and ')}, got "${part}"${suggestion(part, possible)}`,
    );
  const fault = part === 'features' ? featureFault(model) : undefined;
  if (fault !== undefined) throw new ExportError(fault);
  const { relativePositions, layerScale } = model.encoder;
  const isBeit = format === 'huggingface' && part === 'segmenter';
  if (format !== 'onnx' && !isBeit && (relativePositions || layerScale !== undefined))
    throw new ExportError(
      `the format ${format} has no relative positions and no layer scale, got ${model.path} with them: take onnx`,
    );
  if (part === 'classifier' && !model.classifier)
    throw new ExportError(
      `a classifier needs weights of a head, got ${model.path} without one: fine-tune it`,
    );
  if (part === 'segmenter' && !model.segmenter)
    throw new ExportError(
      `a segmenter needs a head that labels pixels, got ${model.path} without one: train it with the command segment`,
    );
  if (part === 'detector' && !model.detector)
    throw new ExportError(
      `a detector needs a head that finds objects, got ${model.path} without one: train it with the command detect`,
    );
  if (part === 'autoencoder' && !model.decoder)
    throw new ExportError(`an autoencoder needs weights of a decoder, got ${model.path} without them`);
}

/** Pooling of features: the head's, else the mean of the patches' tokens after the final norm. */
export function featuresOf({
  encoder,
  classifier,
}: Pick<Model, 'encoder' | 'classifier'>): Omit<ClassifierConfig, 'classes'> {
  return classifier ?? { ...encoder, pooling: 'mean', fcNorm: false };
}
