import { centreCrop } from '../data/decode/crop.ts';
import { viewCrop } from '../data/decode/evaluation-view.ts';
import { DataError } from '../data/error.ts';
import type { Batch } from '../data/load/batch.ts';
import type { BrokenImages } from '../data/load/broken.ts';
import { evaluationBatches, type Loader } from '../data/load/loader.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { Size } from '../image/size.ts';
import type { Model } from '../weights/model.ts';

/** The parts of a model that its views depend on. */
export type ViewModel = Pick<Model, 'encoder' | 'normalisation' | 'evaluationCrop' | 'evaluationView'>;

export interface CentralViewOptions {
  readonly batchSize: number;
  /** Size of the views. Default: the encoder's input size. */
  readonly size?: Size;
  readonly broken?: BrokenImages | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One pass over the evaluation views: central crops. */
export function centralViews(
  { encoder, normalisation, evaluationCrop, evaluationView }: ViewModel,
  dataset: Dataset,
  { batchSize, size = encoder.image, broken, signal }: CentralViewOptions,
): Loader {
  return evaluationBatches(dataset, {
    batchSize,
    size,
    channels: encoder.channels,
    range: normalisation.range,
    // The file's evaluation view does not apply to other sizes, such as thumbnails.
    crop: evaluationView && size === encoder.image ? viewCrop(evaluationView) : centreCrop(evaluationCrop),
    seed: 0,
    ...(broken && { broken }),
    ...(signal && { signal }),
  });
}

/**
 * The batches of a pass. If all images are broken, it yields nothing, whereas the loader throws.
 * @param broken the list to which the loader adds images
 */
export async function* readable(
  views: Loader,
  dataset: Dataset,
  broken: BrokenImages,
): AsyncGenerator<Batch> {
  try {
    yield* views;
  } catch (error) {
    const ids = Array.from({ length: dataset.length }, (_, index) => dataset.id(index));
    if (!(error instanceof DataError) || !ids.every((id) => broken.reasons.has(id))) throw error;
  }
}

/** The size of views for comparing raw pixels: at most 32 × 32, to bound memory. */
export function thumbnail([height, width]: Size): Size {
  return [Math.min(height, 32), Math.min(width, 32)];
}
