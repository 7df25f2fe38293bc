import type { ModelDescription } from './description.ts';

/** Why a model has no features to compute, as the end of a sentence; undefined if it has. */
export function featureFault({
  segmenter,
  detector,
  path,
}: Pick<ModelDescription, 'segmenter' | 'detector' | 'path'>): string | undefined {
  if (detector)
    return `features need the norm behind the encoder, got ${path} of a detection, which has none: take the weights that it started from`;
  return segmenter?.head.kind === 'upernet'
    ? `features need the norm behind the encoder, got ${path} of a segmentation with UperNet, which has none: take a linear head (model.head.kind), or the weights that it started from`
    : undefined;
}
