import {
  abs,
  add,
  cast,
  crossEntropy,
  div,
  maximum,
  meanAll,
  mul,
  reshape,
  sign,
  sliceAxis,
  sub,
  sum,
  type Tensor,
} from '../graph/index.ts';
import { binaryCrossEntropy } from '../nn/binary-cross-entropy.ts';
import { oneHot } from '../nn/one-hot.ts';
import type { Weights } from '../nn/parameters.ts';
import { type RoiTensors, roiAlign } from '../nn/roi-align.ts';
import { boxHead } from './box-head.ts';
import { type DetectorConfig, type DetectorFeatures, ofHead } from './detector.ts';
import { maskHead } from './mask-head.ts';

/** Labels and deltas of anchors. */
export interface AnchorLesson {
  /** u8 [B, N]: 0 nothing, 1 background, 2 an object */
  readonly labels: Tensor;
  /** From each anchor to its object: [B, N, 4] */
  readonly deltas: Tensor;
  /** Anchors of an image that a label is meant for. */
  readonly count: number;
}

/** The losses of region proposals, the mean over the images: whether anchors are objects, and how they are moved. */
export function proposalLosses(
  { objectness, deltas }: Pick<DetectorFeatures, 'objectness' | 'deltas'>,
  lesson: AnchorLesson,
): { objectness: Tensor; boxes: Tensor } {
  const labels = cast(lesson.labels, 'f32');
  const isObject = maximum(sub(labels, 1), 0);
  const [batch, anchors] = labels.shape as [number, number];
  const average = (costs: Tensor) => div(sum(costs), lesson.count * batch);
  const missed = abs(sub(deltas, lesson.deltas));
  return {
    objectness: scalar(average(mul(sign(labels), binaryCrossEntropy(objectness, isObject)))),
    boxes: scalar(average(mul(reshape(isObject, [batch, anchors, 1]), missed))),
  };
}

/** Classes, deltas and masks of the boxes that the heads learn from. */
export interface RoiLesson {
  /** f32 [B, R]: class numbers; `classes` for no class, −1 for a place without a box. The boxes with a class come first. */
  readonly classes: Tensor;
  /** From each box to its object: [B, R, 4] */
  readonly deltas: Tensor;
  readonly boxes: readonly RoiTensors[];
  /** Of the first M boxes. */
  readonly masks?: {
    /** u8 [B, M, 28, 28] */
    readonly targets: Tensor;
    readonly boxes: readonly RoiTensors[];
  };
}

/**
 * The losses of the heads. Each is a mean over an image's boxes, then over the images, so that no image's part depends on the others: detectron2
 * does the same where a GPU has one image.
 */
export function headLosses(
  config: DetectorConfig,
  weights: Weights,
  maps: readonly Tensor[],
  lesson: RoiLesson,
): { classes: Tensor; boxes: Tensor; masks?: Tensor } {
  const own = ofHead(weights);
  const [batch, count] = lesson.classes.shape as [number, number];
  const { classes } = config;
  const ids = oneHot(lesson.classes, classes + 1); // [B · R, K + 1]
  const real = sliceAxis(ids, 1, 0, classes);
  const boxes = maximum(sum(reshape(ids, [batch, -1]), [1]), 1); // [B, 1]
  const { logits, deltas } = boxHead(roiAlign(maps.slice(0, -1), lesson.boxes), own, config.head);
  const perImage = (costs: Tensor, number: Tensor) =>
    scalar(meanAll(div(sum(reshape(costs, [batch, -1]), [1]), number)));
  const moved = sum(mul(reshape(real, [batch * count, classes, 1]), deltas), [1]);
  const missed = abs(sub(reshape(moved, [batch * count, 4]), reshape(lesson.deltas, [batch * count, 4])));
  const losses = {
    classes: perImage(crossEntropy(logits, ids), boxes),
    boxes: perImage(mul(sum(real, [1]), missed), boxes),
  };
  if (!lesson.masks) return losses;
  const { targets, boxes: masked } = lesson.masks;
  const [, some, side] = targets.shape as [number, number, number];
  const labels = reshape(sliceAxis(reshape(real, [batch, count, classes]), 1, 0, some), [
    batch * some,
    1,
    classes,
  ]);
  const all = maskHead(roiAlign(maps.slice(0, -1), masked), own, config.head);
  const ofClass = sum(mul(reshape(all, [batch * some, side * side, classes]), labels), [2]);
  const costs = binaryCrossEntropy(
    reshape(ofClass, [batch * some, side * side]),
    reshape(cast(targets, 'f32'), [batch * some, side * side]),
  );
  const objects = maximum(sum(reshape(labels, [batch, -1]), [1]), 1);
  const inObjects = mul(reshape(sum(labels, [2]), [batch * some, 1]), costs);
  return { ...losses, masks: perImage(inObjects, mul(objects, side * side)) };
}

/** The sum of all losses. */
export function totalOf(losses: readonly Tensor[]): Tensor {
  return losses.reduce((a, b) => add(a, b));
}

const scalar = (x: Tensor) => reshape(x, []);
