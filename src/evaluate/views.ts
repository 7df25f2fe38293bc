import { centreCrop } from '../data/decode/crop.ts';
import { viewCrop } from '../data/decode/evaluation-view.ts';
import { DataError } from '../data/error.ts';
import type { Batch } from '../data/load/batch.ts';
import type { BrokenImages } from '../data/load/broken.ts';
import { evaluationBatches, type Loader } from '../data/load/loader.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { Size } from '../image/size.ts';
import type { Model } from '../weights/model.ts';

/** What of a model its views depend on. */
export type ViewModel = Pick<Model, 'encoder' | 'normalisation' | 'evaluationCrop' | 'evaluationView'>;

export interface CentralViewOptions {
  readonly batchSize: number;
  /** Of the views. Default: the encoder's images. */
  readonly size?: Size;
  readonly broken?: BrokenImages | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One pass of central crops, as evaluation takes them. */
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
    // A view of another size, as thumbnails are, is none that the file describes.
    crop: evaluationView && size === encoder.image ? viewCrop(evaluationView) : centreCrop(evaluationCrop),
    seed: 0,
    ...(broken && { broken }),
    ...(signal && { signal }),
  });
}

/**
 * The batches of a pass over images that may all be broken: it then ends, where a loader says that nothing can be read.
 * @param broken the list that the loader adds to
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

/** The size of views whose raw pixels are compared: 32 × 32 at most, or the rows grow beyond all memory. */
export function thumbnail([height, width]: Size): Size {
  return [Math.min(height, 32), Math.min(width, 32)];
}
