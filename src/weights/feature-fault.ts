import type { ModelDescription } from './description.ts';

/** Why a model has no features to compute, as the end of a sentence; undefined if it has. */
export function featureFault({
  segmenter,
  path,
}: Pick<ModelDescription, 'segmenter' | 'path'>): string | undefined {
  return segmenter?.head.kind === 'upernet'
    ? `features need the norm behind the encoder, got ${path} of a segmentation with UperNet, which has none: take a linear head (model.head.kind), or the weights that it started from`
    : undefined;
}
