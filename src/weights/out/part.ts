import type { ClassifierConfig } from '../../models/classifier.ts';
import { suggestion } from '../../text/nearest.ts';
import { featureFault } from '../feature-fault.ts';
import type { Model } from '../model.ts';

/** Part of a model to export: pooled features, class scores, or encoder and decoder. */
export type Part = 'features' | 'classifier' | 'autoencoder';

export const parts: readonly Part[] = ['features', 'classifier', 'autoencoder'];

/** The format does not support the model. The message gives the reason and an alternative. */
export class ExportError extends Error {
  override readonly name = 'ExportError';
}

/** The classifier if there is a head, else the features. */
export function defaultPart({ classifier }: Pick<Model, 'classifier'>): Part {
  return classifier ? 'classifier' : 'features';
}

/** Throws ExportError if the file does not have the part, or the format does not support it. */
export function requirePart(model: Model, part: Part, format: string, possible: readonly Part[]): void {
  if (!possible.includes(part))
    throw new ExportError(
      `the format ${format} takes the parts ${possible.join(' and ')}, got "${part}"${suggestion(part, possible)}`,
    );
  const fault = part === 'features' ? featureFault(model) : undefined;
  if (fault !== undefined) throw new ExportError(fault);
  const { relativePositions, layerScale } = model.encoder;
  if (format !== 'onnx' && (relativePositions || layerScale !== undefined))
    throw new ExportError(
      `the format ${format} has no relative positions and no layer scale, got ${model.path} with them: take onnx`,
    );
  if (part === 'classifier' && !model.classifier)
    throw new ExportError(
      `a classifier needs weights of a head, got ${model.path} without one: fine-tune it`,
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
