import type { BrokenImages } from '../data/broken.ts';
import { centreCrop } from '../data/crop.ts';
import type { Dataset } from '../data/dataset.ts';
import { evaluationBatches, type Loader } from '../data/loader.ts';
import type { Size } from '../nn/size.ts';
import type { Model } from '../weights/model.ts';

/** What of a model its views depend on. */
export type ViewModel = Pick<Model, 'encoder' | 'evaluationCrop'>;

export interface CentralViewOptions {
  readonly batchSize: number;
  /** Of the views. Default: the encoder's images. */
  readonly size?: Size;
  readonly broken?: BrokenImages | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One pass of central crops, as evaluation takes them. */
export function centralViews(
  { encoder, evaluationCrop }: ViewModel,
  dataset: Dataset,
  { batchSize, size = encoder.image, broken, signal }: CentralViewOptions,
): Loader {
  return evaluationBatches(dataset, {
    batchSize,
    size,
    channels: encoder.channels as 1 | 3,
    geometry: centreCrop(evaluationCrop),
    seed: 0,
    ...(broken && { broken }),
    ...(signal && { signal }),
  });
}

/** The size of views whose raw pixels are compared: 32 × 32 at most, or the rows grow beyond all memory. */
export function thumbnail([height, width]: Size): Size {
  return [Math.min(height, 32), Math.min(width, 32)];
}
