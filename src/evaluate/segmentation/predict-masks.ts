import { parseSegmentConfig, type SegmentConfig } from '../../config/segment-schema.ts';
import { imageSize } from '../../data/decode/image-size.ts';
import { BrokenImages, nothingReadable } from '../../data/load/broken.ts';
import type { ClassTable } from '../../data/masks/classes.ts';
import { openImages, requireImages } from '../../data/sources/image-list.ts';
import type { Size } from '../../image/size.ts';
import { predictingParameters, segmentProgram } from '../../programs/segment.ts';
import { RunError } from '../../run/error.ts';
import { requireOutputFolder } from '../../run/output.ts';
import { zoomOf } from '../../run/setup-segment.ts';
import { type Model, openModel } from '../../weights/model.ts';
import { shortRun } from '../images-at-once.ts';
import { modelEngine } from '../model-engine.ts';
import type { PredictOptions } from '../predict.ts';
import { pixelsOf } from './evaluate-segmentation.ts';
import { predictImage, type SegmentView, sessionLogits } from './predict-image.ts';
import { openOutput } from './prediction-folder.ts';
import type { Logits } from './segment-image.ts';
import { inGroups } from './together.ts';

export interface PredictMasksOptions
  extends Pick<
    PredictOptions,
    'engine' | 'broken' | 'signal' | 'onNote' | 'onProgress' | 'onFetch' | 'imagesAtOnce'
  > {
  /**
   * A folder for `masks/NAME.png` (palette PNGs, values as in the training masks), `overlays/NAME.png`, `classes.json`, and a line for each
   * image in `predictions.jsonl`. Images that it has are left out. Default: nothing is written.
   */
  readonly output?: string | undefined;
}

/** A prediction of a segmenter for an image. */
export interface PredictedMask {
  /** The image's name in its source. */
  readonly file: string;
  /** Class of every pixel, [height, width]. */
  readonly labels: Uint8Array;
  readonly height: number;
  readonly width: number;
  /** Share of the pixels of each class that was found, the largest first. */
  readonly classes: readonly { readonly class: string; readonly share: number }[];
  /** Paths of the written files. */
  readonly mask?: string;
  readonly overlay?: string;
}

/**
 * Predicts the class of every pixel of images with a segmenter, the folder of a run of `segment` or its checkpoint, by sliding windows as
 * the run's evaluation. Yields each image as soon as it is done, its files written. An interrupted call continues where it stopped.
 * Throws DataError for a missing file or folder, RunError for a model that is no segmenter and for an output folder of another model or
 * with other files, and the errors of `openModel`.
 */
export async function* predictMasks(
  path: string,
  images: readonly string[],
  options: PredictMasksOptions = {},
): AsyncGenerator<PredictedMask> {
  const { output, onProgress = () => {}, onFetch, signal } = options;
  if (output !== undefined) await requireOutputFolder(output);
  await requireImages(images);
  const model = await openModel(path);
  const { segmenter, run } = model;
  if (!segmenter || !run)
    throw new RunError(`${path} has no head of segmentation: train one with the command segment`);
  const config = parseSegmentConfig(run.config);
  const dataset = await openImages(images, {
    onNote: options.onNote,
    ...(onFetch && { onProgress: onFetch }),
    ...(signal && { signal }),
  });
  const weights = Object.fromEntries(
    predictingParameters(segmenter).map(({ name }) => [name, model.weights[name]!]),
  );
  const table = config.data.classes!;
  const folder = output === undefined ? undefined : await openOutput(output, table, weights, dataset);
  const broken = options.broken ?? new BrokenImages();
  const engine = await modelEngine(model, options);
  const most = options.imagesAtOnce ?? shortRun(segmenter, engine, 8);
  const view = viewOf(model, config, 2 ** Math.floor(Math.log2(most)));
  const session = await engine.open(weights);
  try {
    const programs = new Map<number, ReturnType<typeof segmentProgram>>();
    const logits = sessionLogits(session, (batch) => {
      const program = programs.get(batch) ?? segmentProgram(segmenter, batch);
      programs.set(batch, program);
      return program;
    });
    const all = Array.from({ length: dataset.length }, (_, index) => index);
    const left = all.filter((index) => !folder?.has(index));
    let done = all.length - left.length;
    let there = done;
    onProgress(done, all.length);
    const read = async (index: number, logits: Logits) => {
      try {
        const from = await pixelsOf(dataset, index);
        const size: Size = 'data' in from ? [from.height, from.width] : await imageSize(from);
        return { index, size, labels: await predictImage(from, size, view, logits) };
      } catch (error) {
        if (error instanceof RangeError || error instanceof RunError) throw error;
        broken.add(dataset.id(index), error);
        return undefined;
      }
    };
    for await (const group of inGroups(left, read, { logits, atOnce: view.atOnce })) {
      signal?.throwIfAborted();
      for (const made of group) {
        if (!made) continue;
        const { index, labels, size } = made;
        there++;
        yield {
          ...{ file: dataset.id(index), labels, height: size[0], width: size[1] },
          classes: sharesOf(labels, table),
          ...(await folder?.write(index, labels, size)),
        };
      }
      done += group.length;
      onProgress(done, all.length);
    }
    if (there === 0) throw nothingReadable(dataset.name, broken);
  } finally {
    await session.dispose();
  }
}

function viewOf({ segmenter, normalisation }: Model, config: SegmentConfig, atOnce: number): SegmentView {
  const { stride, scales, flip } = config.evaluation;
  return { model: segmenter!, normalisation, zoom: zoomOf(config), stride, scales, flip, atOnce };
}

function sharesOf(labels: Uint8Array, { classes }: ClassTable): PredictedMask['classes'] {
  const counts = new Array<number>(256).fill(0);
  for (const label of labels) counts[label]!++;
  return classes
    .map(({ name }, k) => ({ class: name, share: counts[k]! / labels.length }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
}
