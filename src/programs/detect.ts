import type { Parameter } from '../engines/engine.ts';
import { cast, input, type Program, program, type Tensor } from '../graph/index.ts';
import type { Normalisation } from '../image/normalise.ts';
import { BOX_BINS } from '../models/box-head.ts';
import {
  type DetectorConfig,
  detectorFeatures,
  detectorLevels,
  detectorParameters,
  LEARNED_ANCHORS,
  maskedBoxes,
} from '../models/detector.ts';
import { headLosses, proposalLosses, totalOf } from '../models/detector-loss.ts';
import { MASK_BINS } from '../models/mask-head.ts';
import { fromPicture } from '../nn/normalise.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import type { RoiTensors } from '../nn/roi-align.ts';
import { layerDecay, parameterGroups } from '../optim/groups.ts';
import { gradientOutputs, weightInputs } from './pretrain.ts';

export interface DetectorProgramOptions extends Normalisation {
  readonly model: DetectorConfig;
  /** Images a run of the programs takes. */
  readonly batch: number;
  /** Boxes of an image that the heads learn from. */
  readonly rois: number;
  readonly training: {
    readonly weightDecay: number;
    readonly layerDecay: number;
    readonly dropPath: number;
  };
}

/** The training programs of a detector. All take the weights by name. */
export interface DetectorPrograms {
  /**
   * See `TrainingPlan.midway`: `view` u8 [B, C, H, W] on the scale 0–255, with drop path `dropPath` [B, depth, 2] → `objectness` [B, N] and
   * `deltas` [B, N, 4] of all anchors
   */
  readonly midway: Program;
  /**
   * The same and `anchors:labels` u8 [B, N] and `anchors:deltas` [B, N, 4]; `rois:classes` [B, R], `rois:deltas` [B, R, 4] and for each map i
   * but the last `rois:rows:i` [B, R · 7, H] and `rois:columns:i` [B, R, 7, W]; with masks `masks:targets` u8 [B, M, 28, 28] and `masks:rows:i` and
   * `masks:columns:i` with 14 in place of 7 → `loss`, its parts, `grad:<weight>`
   */
  readonly gradients: Program;
  readonly specs: readonly ParameterSpec[];
  readonly parameters: readonly Parameter[];
}

/** Builds the training programs of a run. Throws RangeError where sizes do not fit each other. */
export function detectorPrograms(options: DetectorProgramOptions): DetectorPrograms {
  const { model, training, batch, rois } = options;
  const { channels, image, depth, head } = model;
  const specs = detectorParameters(model);
  const parameters = parameterGroups(specs, training.weightDecay, layerDecay(training.layerDecay, depth));
  const weights = weightInputs(specs);
  const view = fromPicture(cast(input('view', [batch, channels, ...image], 'u8'), 'f32'), options, 1 / 255);
  const dropPath = training.dropPath > 0 ? input('dropPath', [batch, depth, 2]) : undefined;
  const features = detectorFeatures(model, weights, view, { dropPath });
  const { objectness, deltas } = features;
  const anchors = objectness.shape[1]!;
  const proposals = proposalLosses(features, {
    labels: input('anchors:labels', [batch, anchors], 'u8'),
    deltas: input('anchors:deltas', [batch, anchors, 4]),
    count: LEARNED_ANCHORS,
  });
  const masked = maskedBoxes(rois);
  const heads = headLosses(model, weights, features.maps, {
    classes: input('rois:classes', [batch, rois]),
    deltas: input('rois:deltas', [batch, rois, 4]),
    boxes: roiTensors('rois', model, batch, rois, BOX_BINS),
    ...(head.masks && {
      masks: {
        targets: input('masks:targets', [batch, masked, 2 * MASK_BINS, 2 * MASK_BINS], 'u8'),
        boxes: roiTensors('masks', model, batch, masked, MASK_BINS),
      },
    }),
  });
  const parts: Record<string, Tensor> = {
    objectnessLoss: proposals.objectness,
    proposalLoss: proposals.boxes,
    classLoss: heads.classes,
    boxLoss: heads.boxes,
    ...(heads.masks && { maskLoss: heads.masks }),
  };
  const loss = totalOf(Object.values(parts));
  return {
    midway: program('propose', { objectness, deltas }),
    gradients: program('gradients', { loss, ...parts, ...gradientOutputs(loss, parameters, weights) }),
    specs,
    parameters,
  };
}

/** Inputs for the matrices that read boxes from each map but the last. */
export function roiTensors(
  name: string,
  model: DetectorConfig,
  batch: number,
  boxes: number,
  bins: number,
): RoiTensors[] {
  return detectorLevels(model)
    .slice(0, -1)
    .map(({ size: [height, width] }, i) => ({
      rows: input(`${name}:rows:${i}`, [batch, boxes * bins, height]),
      columns: input(`${name}:columns:${i}`, [batch, boxes, bins, width]),
    }));
}
