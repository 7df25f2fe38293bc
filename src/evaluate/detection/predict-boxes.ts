import { parseDetectConfig } from '../../config/detect-schema.ts';
import { BrokenImages, nothingReadable } from '../../data/load/broken.ts';
import { subset } from '../../data/sources/dataset.ts';
import { openImages, requireImages } from '../../data/sources/image-list.ts';
import { detectorParameters } from '../../models/detector.ts';
import { boxPrograms } from '../../programs/predict-boxes.ts';
import { RunError } from '../../run/error.ts';
import type { FoundBox } from '../../run/find-objects.ts';
import { requireOutputFolder } from '../../run/output.ts';
import { openModel } from '../../weights/model.ts';
import { shortRun } from '../images-at-once.ts';
import { modelEngine } from '../model-engine.ts';
import type { PredictOptions } from '../predict.ts';
import { openOutput } from './detection-folder.ts';
import { type Detecting, detected } from './evaluate-detection.ts';

export interface PredictBoxesOptions
  extends Pick<
    PredictOptions,
    'engine' | 'broken' | 'signal' | 'onNote' | 'onProgress' | 'onFetch' | 'imagesAtOnce'
  > {
  /**
   * A folder for `pictures/NAME.png`, with boxes and masks drawn over the image; a line for each image in `predictions.jsonl`; and, when all
   * are done, `results.json` in COCO's format. Images that it has are left out. Default: nothing is written.
   */
  readonly output?: string | undefined;
}

/** The objects that a detector finds in an image. */
export interface PredictedObjects {
  /** The image's name in its source. */
  readonly file: string;
  readonly height: number;
  readonly width: number;
  /** The surest first, in pixels of the upright image. */
  readonly objects: readonly (Omit<FoundBox, 'class'> & { readonly class: string })[];
  /** Path of the picture with the objects. */
  readonly picture?: string;
}

/**
 * Finds the objects of images with a detector, the folder of a run of `detect` or its checkpoint. Yields each image as soon as it is done, its
 * files written. An interrupted call continues where it stopped.
 * Throws DataError for a missing file or folder, RunError for a model that is no detector and for an output folder of another model or with
 * other files, and the errors of `openModel`.
 */
export async function* predictBoxes(
  path: string,
  images: readonly string[],
  options: PredictBoxesOptions = {},
): AsyncGenerator<PredictedObjects> {
  const { output, onProgress = () => {}, onFetch, signal } = options;
  if (output !== undefined) await requireOutputFolder(output);
  await requireImages(images);
  const model = await openModel(path);
  const { detector, run, normalisation } = model;
  if (!detector || !run)
    throw new RunError(`${path} has no head of detection: train one with the command detect`);
  const { data, evaluation } = parseDetectConfig(run.config);
  const classes = data.classes!;
  const dataset = await openImages(images, {
    onNote: options.onNote,
    ...(onFetch && { onProgress: onFetch }),
    ...(signal && { signal }),
  });
  const weights = Object.fromEntries(
    detectorParameters(detector).map(({ name }) => [name, model.weights[name]!]),
  );
  const folder = output === undefined ? undefined : await openOutput(output, classes, weights, dataset);
  const broken = options.broken ?? new BrokenImages();
  const engine = await modelEngine(model, options);
  const batch = 2 ** Math.floor(Math.log2(options.imagesAtOnce ?? shortRun(detector, engine, 8)));
  const { proposals, detections, leastScore } = evaluation;
  const session = await engine.open(weights);
  try {
    const detecting: Detecting = {
      ...{ model: detector, batch, normalisation, broken, proposals, detections, leastScore },
      programs: boxPrograms(detector, { batch, proposals, detections, ...normalisation }),
      run: (program, inputs) => session.run(program, inputs),
    };
    const all = Array.from({ length: dataset.length }, (_, index) => index);
    const left = all.filter((index) => !folder?.has(index));
    const done = all.length - left.length;
    let there = done;
    onProgress(done, all.length);
    const watch = { signal, onProgress: (some: number) => onProgress(done + some, all.length) };
    if (left.length > 0)
      for await (const { index: at, size, objects } of detected(subset(dataset, left), detecting, watch)) {
        there++;
        const index = left[at]!;
        yield {
          ...{ file: dataset.id(index), height: size[0], width: size[1] },
          objects: objects.map((object) => ({ ...object, class: classes[object.class]!.name })),
          ...(await folder?.write(index, objects)),
        };
      }
    await folder?.finish();
    if (there === 0) throw nothingReadable(dataset.name, broken);
  } finally {
    await session.dispose();
  }
}
