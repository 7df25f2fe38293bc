import type { BrokenImages } from '../../data/load/broken.ts';
import { nothingReadable } from '../../data/load/broken.ts';
import { readMask } from '../../data/masks/read.ts';
import type { Dataset, RawImage } from '../../data/sources/dataset.ts';
import type { ImageSource } from '../../data/sources/image-source.ts';
import { RunError } from '../../run/error.ts';
import type { Watch } from '../evaluator.ts';
import { addImage, emptyConfusion, type SegmentationScores, segmentationScores } from './confusion.ts';
import { predictImage, type SegmentView } from './predict-image.ts';
import type { Logits } from './segment-image.ts';
import { inGroups } from './together.ts';

/** An image with its mask and what a model predicts: class numbers [height, width]. */
export interface SegmentedImage {
  readonly index: number;
  readonly width: number;
  readonly height: number;
  readonly truth: Uint8Array;
  readonly predicted: Uint8Array;
}

/** A model and its views of images: see `predictImage`. */
export interface Segmenting extends SegmentView {
  readonly logits: Logits;
  readonly broken: BrokenImages;
}

/** The images of a data set that can be read, segmented, in their order. Rejects with the signal's reason. */
export async function* segmented(
  dataset: Dataset,
  { logits, broken, ...view }: Segmenting,
  { onProgress, signal }: Watch = {},
): AsyncGenerator<SegmentedImage> {
  const { masks } = dataset;
  if (!masks?.table)
    throw new RunError(`images must have masks to be evaluated, got '${dataset.name}' without`);
  const read = async (index: number, logits: Logits): Promise<SegmentedImage | undefined> => {
    const id = dataset.id(index);
    if (broken.has(id)) return undefined;
    try {
      const { width, height, data } = await readMask(masks.source(index), masks.table!);
      const predicted = await predictImage(await pixelsOf(dataset, index), [height, width], view, logits);
      return { index, width, height, truth: data, predicted };
    } catch (error) {
      if (error instanceof RangeError || error instanceof RunError) throw error;
      broken.add(id, error);
      return undefined;
    }
  };
  const all = Array.from({ length: dataset.length }, (_, index) => index);
  let done = 0;
  signal?.throwIfAborted();
  for await (const group of inGroups(all, read, { logits, atOnce: view.atOnce })) {
    signal?.throwIfAborted();
    for (const image of group) if (image) yield image;
    done += group.length;
    onProgress?.(done, dataset.length);
  }
}

/** The source of an image, or its pixels where it has none. */
export async function pixelsOf(dataset: Dataset, index: number): Promise<ImageSource | RawImage> {
  return dataset.source?.(index) ?? (await dataset.image(index));
}

/** Scores of a segmenter on all images of a data set. Rejects with a DataError if none can be read, and with the signal's reason. */
export async function evaluateSegmentation(
  dataset: Dataset,
  how: Segmenting,
  watch: Watch = {},
): Promise<SegmentationScores> {
  const confusion = emptyConfusion(how.model.classes);
  let count = 0;
  for await (const { truth, predicted } of segmented(dataset, how, watch)) {
    addImage(confusion, truth, predicted);
    count++;
  }
  if (count === 0) throw nothingReadable(dataset.name, how.broken);
  return segmentationScores(confusion);
}
