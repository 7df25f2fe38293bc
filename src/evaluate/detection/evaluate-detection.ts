import { trueObjects } from '../../data/boxes/results.ts';
import { largeScaleJitter } from '../../data/decode/large-scale-jitter.ts';
import type { Batch } from '../../data/load/batch.ts';
import type { BrokenImages } from '../../data/load/broken.ts';
import { evaluationBatches } from '../../data/load/loader.ts';
import type { ViewObjects } from '../../data/load/object-view.ts';
import type { Dataset } from '../../data/sources/dataset.ts';
import { CocoEvaluation, type CocoScores } from '../../detect/coco-evaluation.ts';
import { toCocoBox } from '../../detect/coco-objects.ts';
import { countOf } from '../../detect/rows.ts';
import { borderOf } from '../../image/border.ts';
import type { Normalisation } from '../../image/normalise.ts';
import type { Size } from '../../image/size.ts';
import { type Detector, type FoundInImage, findObjects } from '../../run/find-objects.ts';
import type { Watch } from '../evaluator.ts';

/** A detector, and how images become its views. */
export interface Detecting extends Detector {
  /** Images of a run of the programs. */
  readonly batch: number;
  readonly normalisation: Normalisation;
  readonly broken: BrokenImages;
}

/** The findings in an image of a data set. */
export interface DetectedImage extends FoundInImage {
  readonly index: number;
  /** Of the upright image. */
  readonly size: Size;
}

/** The whole images in the upper left corners of their views. */
export const wholeImage = ({ mean }: Normalisation) =>
  largeScaleJitter({ scale: [1, 1], flip: 0, border: borderOf(mean) });

/** Finds the objects of all images of a data set, one batch after another; images that cannot be read are left out. */
export async function* detected(
  dataset: Dataset,
  detecting: Detecting,
  { onProgress, signal }: Watch = {},
): AsyncGenerator<DetectedImage> {
  const { model, batch: batchSize, normalisation, broken } = detecting;
  const views = evaluationBatches(
    { ...dataset, boxes: dataset.boxes ?? { classes: [], of: () => [] } },
    {
      ...{ batchSize, size: model.image, channels: model.channels, seed: 0, broken },
      ...(normalisation.range && { range: normalisation.range }),
      ...{ crop: wholeImage(normalisation), objects: { masks: false } },
    },
  );
  let done = 0;
  try {
    for await (const batch of views) {
      signal?.throwIfAborted();
      const objects = readable(batch);
      if (objects) {
        const found = await findObjects(detecting, { view: batch.view, objects });
        for (const [i, each] of found.entries())
          if (batch.weights[i]! > 0)
            yield { ...each, index: batch.indices[i]!, size: objects[i]!.drawn.image };
      }
      done = Math.min(dataset.length, done + batchSize);
      onProgress?.(done, dataset.length);
    }
  } finally {
    await views.dispose();
  }
}

/** Where the views of a batch lie, that of another one in the place of an image that cannot be read; undefined where none can. */
function readable({ objects, weights }: Batch): ViewObjects[] | undefined {
  const first = weights.findIndex((weight) => weight > 0);
  if (first < 0) return undefined;
  return Array.from(weights, (weight, i) => objects![weight > 0 ? i : first]!);
}

/** Scores of a detector. */
export interface DetectionScores {
  readonly boxes: CocoScores;
  readonly masks?: CocoScores;
  /** Recall of the best 100 proposals, over overlaps of 0.5 to 0.95. */
  readonly proposalRecall: number;
}

const PROPOSALS = 100;

/** COCO's scores of a detector on all images of a data set. Throws as `CocoEvaluation`. */
export async function evaluateDetection(
  dataset: Dataset,
  detecting: Detecting,
  watch: Watch = {},
): Promise<DetectionScores> {
  const { classes, head } = detecting.model;
  const boxes = new CocoEvaluation({ of: 'boxes', classes, limits: limitsOf(detecting) });
  const masks = head.masks && new CocoEvaluation({ of: 'masks', classes, limits: limitsOf(detecting) });
  const proposals = new CocoEvaluation({ of: 'boxes', classes, merged: true, limits: [PROPOSALS] });
  for await (const { index, size, objects, proposals: proposed } of detected(dataset, detecting, watch)) {
    const truths = trueObjects(dataset.boxes!.of(index, size), size, head.masks);
    const found = objects.map(({ box, ...each }) => ({ ...each, box: toCocoBox(box) }));
    boxes.add(truths, found);
    if (masks) masks.add(truths, found);
    proposals.add(
      truths,
      Array.from({ length: Math.min(PROPOSALS, countOf(proposed.boxes)) }, (_, i) => ({
        class: 0,
        score: proposed.scores[i]!,
        box: toCocoBox([...proposed.boxes.subarray(4 * i, 4 * i + 4)] as [number, number, number, number]),
      })),
    );
  }
  return {
    boxes: boxes.scores(),
    ...(masks && { masks: masks.scores() }),
    proposalRecall: proposals.scores().AR[PROPOSALS]!,
  };
}

const limitsOf = ({ detections }: Detector) => [1, 10, Math.max(100, detections)];
