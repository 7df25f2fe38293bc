import {
  add,
  cast,
  div,
  exp,
  input,
  mul,
  type Program,
  program,
  reshape,
  softmax,
  sub,
  sum,
  type Tensor,
} from '../graph/index.ts';
import type { Normalisation } from '../image/normalise.ts';
import { BOX_BINS, boxHead } from '../models/box-head.ts';
import {
  type DetectorConfig,
  detectorFeatures,
  detectorLevels,
  detectorParameters,
  ofHead,
} from '../models/detector.ts';
import { MASK_BINS, maskHead } from '../models/mask-head.ts';
import { fromPicture } from '../nn/normalise.ts';
import { oneHot } from '../nn/one-hot.ts';
import type { Weights } from '../nn/parameters.ts';
import { roiAlign } from '../nn/roi-align.ts';
import { predictingWeights } from './averaged.ts';
import { roiTensors } from './detect.ts';

/** How many boxes the programs of predictions take, and how pixels are normalised. */
export interface PredictionOptions extends Normalisation {
  readonly batch: number;
  /** Proposals of an image. */
  readonly proposals: number;
  /** Detections of an image, the ones whose masks are wanted. */
  readonly detections: number;
}

/** The programs of predictions, run one after another: the host chooses boxes between them. All take the weights by name. */
export interface BoxPrograms {
  /** `view` u8 [B, C, H, W] on the scale 0–255 → `objectness` [B, N], `deltas` [B, N, 4], and the maps `map:i` [B, h, w, C] that the heads read */
  readonly propose: Program;
  /** `map:i`, `rois:rows:i` and `rois:columns:i` → `probabilities` [B, P, K + 1], the last one of no class, and `deltas` [B, P, K, 4] */
  readonly boxes: Program;
  /** `map:i`, `masks:rows:i`, `masks:columns:i`, and class numbers `masks:classes` f32 [B, D] → `masks` [B, D, 28, 28] in [0, 1] */
  readonly masks?: Program;
}

/** @param averaged true: by the moving averages of the weights, in the optimizer's slot `ema` */
export function boxPrograms(
  model: DetectorConfig,
  options: PredictionOptions,
  averaged = false,
): BoxPrograms {
  const { channels, image, head } = model;
  const { batch, proposals, detections } = options;
  const maps = () =>
    detectorLevels(model)
      .slice(0, -1)
      .map(({ size }, i) => input(`map:${i}`, [batch, ...size, head.channels]));
  return programsOn(model, options, predictingWeights(detectorParameters(model), averaged), {
    view: cast(input('view', [batch, channels, ...image], 'u8'), 'f32'),
    rois: roiAlign(maps(), roiTensors('rois', model, batch, proposals, BOX_BINS)),
    masks: () => roiAlign(maps(), roiTensors('masks', model, batch, detections, MASK_BINS)),
  });
}

/**
 * The same programs for runtimes that read boxes from maps by themselves: `view` is f32, and the heads take what was read, `rois` [B · P, 7, 7, C]
 * and `masks` [B · D, 14, 14, C].
 */
export function readBoxPrograms(model: DetectorConfig, options: PredictionOptions): BoxPrograms {
  const { channels, image, head } = model;
  const { batch, proposals, detections } = options;
  return programsOn(model, options, predictingWeights(detectorParameters(model), false), {
    view: input('view', [batch, channels, ...image]),
    rois: input('rois', [batch * proposals, BOX_BINS, BOX_BINS, head.channels]),
    masks: () => input('masks', [batch * detections, MASK_BINS, MASK_BINS, head.channels]),
  });
}

/** Inputs of the programs: images, and boxes as the heads read them. */
interface Read {
  readonly view: Tensor;
  readonly rois: Tensor;
  readonly masks: () => Tensor;
}

function programsOn(
  model: DetectorConfig,
  { batch, proposals, detections, ...normalisation }: PredictionOptions,
  weights: Weights,
  { view, rois, masks }: Read,
): BoxPrograms {
  const { head, classes } = model;
  const own = ofHead(weights);
  const { maps, objectness, deltas } = detectorFeatures(
    model,
    weights,
    fromPicture(view, normalisation, 1 / 255),
  );
  const boxes = boxHead(rois, own, head);
  return {
    propose: program('propose', {
      objectness,
      deltas,
      ...Object.fromEntries(maps.slice(0, -1).map((map, i) => [`map:${i}`, map])),
    }),
    boxes: program('boxes', {
      probabilities: reshape(softmax(boxes.logits), [batch, proposals, classes + 1]),
      deltas: reshape(boxes.deltas, [batch, proposals, classes, 4]),
    }),
    ...(head.masks && { masks: masksProgram() }),
  };

  function masksProgram(): Program {
    const side = 2 * MASK_BINS;
    const logits = maskHead(masks(), own, head);
    const ids = oneHot(input('masks:classes', [batch, detections]), classes);
    const chosen = sum(
      mul(reshape(logits, [batch * detections, side * side, classes]), reshape(ids, [-1, 1, classes])),
      [2],
    );
    const shares = div(1, add(1, exp(sub(0, chosen))));
    return program('masks', { masks: reshape(shares, [batch, detections, side, side]) });
  }
}
