import { type DetectConfig, detectorConfig } from '../config/detect-schema.ts';
import { type Augment, makeAugmenter } from '../data/augment/augment.ts';
import { largeScaleJitter } from '../data/decode/large-scale-jitter.ts';
import type { Batch } from '../data/load/batch.ts';
import { type Loader, trainingBatches } from '../data/load/loader.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import { countAnchors } from '../detect/anchors.ts';
import type { DetectionPlan } from '../detect/learn.ts';
import type { Values } from '../graph/index.ts';
import { borderOf } from '../image/border.ts';
import { type Normalisation, normalisationOf } from '../image/normalise.ts';
import { BOX_BINS } from '../models/box-head.ts';
import { type DetectorConfig, detectorLevels, LEARNED_ANCHORS, maskedBoxes } from '../models/detector.ts';
import { MASK_BINS } from '../models/mask-head.ts';
import { dropPathScales } from '../nn/drop-path.ts';
import { type DetectorPrograms, detectorPrograms } from '../programs/detect.ts';
import { type BoxPrograms, boxPrograms } from '../programs/predict-boxes.ts';
import { joined } from './joined.ts';
import { anchorInputs, type Lesson, roiInputs } from './learn-boxes.ts';
import { memoised } from './memoised.ts';
import type { SetupParts, TrainingViewOptions } from './setup-pretrain.ts';

/** The programs and the views of settings of detection. */
export interface DetectorSetup {
  readonly config: DetectConfig;
  readonly model: DetectorConfig;
  readonly normalisation: Normalisation;
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** The training programs for `batch` images; the same object for the same number. */
  programs(batch: number): DetectorPrograms;
  /** See `boxPrograms`; the same object for the same arguments. */
  predict(batch: number, averaged: boolean): BoxPrograms;
  /** Random crops with their objects, without end, from `cursor` on. */
  trainingViews(dataset: Dataset, options: TrainingViewOptions): Loader;
  /**
   * Inputs of the gradients' program for a whole batch that need no weights: views, what region proposals learn, and what drop path draws from each
   * image's own stream.
   */
  inputs(batch: Batch): Promise<Values>;
  /** The others of one part of a batch: the lessons of the heads, on boxes that the network proposes. See `TrainingJob.complete`. */
  complete(batch: Batch, proposed: Values, part: number): Promise<Values>;
}

/** The host's part between the programs of a detector. */
export function detectionPlan(
  model: DetectorConfig,
  { proposals, rois }: Pick<DetectConfig['training'], 'proposals' | 'rois'>,
): DetectionPlan {
  return {
    image: model.image,
    levels: detectorLevels(model),
    classes: model.classes,
    anchors: LEARNED_ANCHORS,
    proposals: { ofEach: 2 * proposals, kept: proposals },
    rois: { count: rois, objects: maskedBoxes(rois) },
    bins: { boxes: BOX_BINS, masks: model.head.masks ? MASK_BINS : 0 },
  };
}

/**
 * @param config with the classes of the objects
 * Throws RangeError where sizes or augmentations are impossible.
 */
export function setUpDetector(
  config: DetectConfig,
  own: Pick<SetupParts, 'augmentations'> = {},
): DetectorSetup {
  const { data, training, evaluation, seed } = config;
  const { classes: table } = data;
  if (!table) throw new RangeError('a detector needs the classes of its objects, got none');
  const model = detectorConfig(config, table.length);
  const normalisation = normalisationOf(data);
  const { channels, image: size, depth, head } = model;
  const { mean, std, range } = normalisation;
  const augment: Augment | undefined = own.augmentations?.length
    ? { normalisation: { mean, std }, own: own.augmentations }
    : undefined;
  if (augment) makeAugmenter(augment, channels); // what is impossible is refused here, before a run leaves anything
  const crop = largeScaleJitter({ scale: data.scale, flip: data.flip, border: borderOf(mean) });
  const objects = { masks: head.masks };
  const plan = detectionPlan(model, training);
  const once = memoised();
  const { proposals, detections } = evaluation;
  const programs = (batch: number) =>
    once(`${batch}`, () => detectorPrograms({ model, training, batch, rois: training.rois, mean, std }));
  return {
    ...{ config, model, normalisation, programs },
    classes: table.map(({ name }) => name),
    predict: (batch, averaged) =>
      once(`${batch} ${averaged}`, () =>
        boxPrograms(model, { batch, proposals, detections, mean, std }, averaged),
      ),
    trainingViews: (dataset, given) =>
      trainingBatches(dataset, {
        ...{ size, channels, range, seed, crop, objects },
        ...(augment && { augment }),
        ...given,
      }),
    async inputs(batch) {
      return {
        view: batch.view,
        ...(await anchorInputs(plan, lessonsOf(batch))),
        ...(training.dropPath > 0 && {
          dropPath: joined(
            batch.rngs.map((rng) => dropPathScales(rng.derive('drop path'), training.dropPath, depth)),
          ),
        }),
      };
    },
    complete(batch, proposed, part) {
      const count = proposed.objectness!.length / countAnchors(plan.levels);
      return roiInputs(plan, lessonsOf(batch).slice(part * count, (part + 1) * count), proposed);
    },
  };
}

function lessonsOf({ objects, rngs }: Batch): Lesson[] {
  if (!objects) throw new RangeError('a detector needs images with objects, got images without');
  return objects.map(({ boxes, classes, masks }, i) => ({
    objects: {
      boxes: Float64Array.from(boxes),
      classes,
      masks,
    },
    rng: rngs[i]!,
  }));
}
