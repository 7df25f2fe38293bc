import type { ClassifierConfig } from '../../models/classifier.ts';
import { suggestion } from '../../text/nearest.ts';
import type { Model } from '../model.ts';

/** What of a model is exported: what its head sees, its class scores, or encoder and decoder. */
export type Part = 'features' | 'classifier' | 'autoencoder';

export const parts: readonly Part[] = ['features', 'classifier', 'autoencoder'];

/** The model cannot be written in the format that was asked for: says why, and what can be done instead. */
export class ExportError extends Error {
  override readonly name = 'ExportError';
}

/** The classifier where there is a head, else the features. */
export function defaultPart({ classifier }: Pick<Model, 'classifier'>): Part {
  return classifier ? 'classifier' : 'features';
}

/** Throws ExportError where the file has no such part, or the format no place for it. */
export function requirePart(model: Model, part: Part, format: string, possible: readonly Part[]): void {
  if (!possible.includes(part))
    throw new ExportError(
      `the format ${format} takes the parts ${possible.join(' and ')}, got "${part}"${suggestion(part, possible)}`,
    );
  if (part === 'classifier' && !model.classifier)
    throw new ExportError(
      `a classifier needs weights of a head, got ${model.path} without one: fine-tune it`,
    );
  if (part === 'autoencoder' && !model.decoder)
    throw new ExportError(`an autoencoder needs weights of a decoder, got ${model.path} without them`);
}

/** How features are pooled: as the head does; without one, the mean of the patches' tokens after the final norm. */
export function featuresOf({
  encoder,
  classifier,
}: Pick<Model, 'encoder' | 'classifier'>): Omit<ClassifierConfig, 'classes'> {
  return classifier ?? { ...encoder, pooling: 'mean', fcNorm: false };
}
