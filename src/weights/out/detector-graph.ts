import { anchorsOf } from '../../detect/anchors.ts';
import { HEAD_SCALE, PROPOSAL_SCALE } from '../../detect/deltas.ts';
import { DETECTION_OVERLAP } from '../../detect/detections.ts';
import { PROPOSAL_OVERLAP } from '../../detect/proposals.ts';
import { writePortable } from '../../engines/onnx/export.ts';
import { ModelWriter } from '../../engines/onnx/model-writer.ts';
import type { OnnxGraph } from '../../engines/onnx/proto.ts';
import { type Program, sizeOf, type Values } from '../../graph/index.ts';
import { borderOf } from '../../image/border.ts';
import type { Normalisation } from '../../image/normalise.ts';
import { BOX_BINS } from '../../models/box-head.ts';
import { type DetectorConfig, detectorLevels } from '../../models/detector.ts';
import { MASK_BINS } from '../../models/mask-head.ts';
import { readBoxPrograms } from '../../programs/predict-boxes.ts';
import {
  clip,
  column,
  decode,
  greater,
  hasArea,
  largest,
  readBoxes,
  reshape,
  slice,
  suppress,
  where,
} from './box-operators.ts';

/** A detector with its weights, and how many boxes it proposes and hands over for an image. */
export interface DetectorParts {
  readonly model: DetectorConfig;
  readonly weights: Values;
  readonly normalisation: Normalisation;
  readonly proposals: number;
  readonly detections: number;
}

/** Below every score. */
const LEAST = -3.4e38;

/**
 * The whole prediction for one image as one graph of standard operators (opset 17): `pixels` f32 [1, C, h, w] from 0 to 255, of at most the model's
 * size → for the D surest objects, the surest first, `boxes` f32 [D, 4] (x1, y1, x2, y2 in pixels of the input), `scores` f32 [D] in [0, 1], `labels`
 * i32 [D] and, with masks, `masks` f32 [D, 28, 28] in [0, 1], each over its box. Where fewer are found, the rest have score 0 and label −1.
 *
 * Its choices are those of `proposalsOf` and `detectionsOf`, in float32. A least score need not be known: a box never drops a surer one, so
 * that a caller may leave out the boxes below any score afterwards.
 */
export function detectorGraph(parts: DetectorParts): OnnxGraph {
  const { model, weights, normalisation, proposals, detections } = parts;
  const programs = readBoxPrograms(model, { batch: 1, proposals, detections, ...normalisation });
  const writer = new ModelWriter();
  const write = (program: Program, given: Readonly<Record<string, string>>) =>
    writePortable(writer, program, { weights, given });
  const { view, edges } = inView(writer, model, normalisation);
  const { objectness, deltas, ...found } = write(programs.propose, { view });
  const maps = Object.values(found).map((map) => writer.node('Transpose', [map], { perm: [0, 3, 1, 2] }));
  const levels = detectorLevels(model).slice(0, -1);
  const read = (boxes: string, count: number, bins: number) =>
    readBoxes(writer, { levels, maps }, boxes, count, bins);

  const proposed = propose(writer, { ...parts, edges, objectness: objectness!, deltas: deltas! });
  const classified = write(programs.boxes, { rois: read(proposed.boxes, proposals, BOX_BINS) });
  const { boxes, scores, labels } = detect(writer, parts, edges, proposed, classified);
  writer.output('boxes', { shape: [detections, 4], dtype: 'f32' }, boxes);
  writer.output('scores', { shape: [detections], dtype: 'f32' }, scores);
  writer.output('labels', { shape: [detections], dtype: 'i32' }, writer.cast(labels, 'i32'));
  if (programs.masks) {
    const side = 2 * MASK_BINS;
    const { masks } = write(programs.masks, {
      masks: read(boxes, detections, MASK_BINS),
      'masks:classes': reshape(writer, writer.cast(labels, 'f32'), [1, detections]),
    });
    const shape = [detections, side, side];
    writer.output('masks', { shape, dtype: 'f32' }, reshape(writer, masks!, shape));
  }
  return writer.graph('detector');
}

/** The input in the upper left corner of a view of the model's size, and the coordinates at which boxes end, f32 [4]. */
function inView(writer: ModelWriter, { channels, image }: DetectorConfig, { mean }: Normalisation) {
  const pixels = writer.input('pixels', { shape: [1, channels, 'height', 'width'], dtype: 'f32' });
  const border = writer.constant(Float32Array.from(borderOf(mean)), [1, channels, 1, 1], 'f32');
  const size = writer.node('Shape', [pixels], { start: 2 });
  const missing = writer.node('Sub', [writer.int64(image), size]);
  const pads = writer.node('Concat', [writer.int64([0, 0, 0, 0, 0, 0]), missing], { axis: 0 });
  const padded = writer.node('Pad', [writer.node('Sub', [pixels, border]), pads]);
  const shown = writer.node('Min', [size, writer.int64(image)]);
  return {
    view: reshape(writer, writer.node('Add', [padded, border]), [1, channels, ...image]),
    edges: writer.cast(writer.node('Gather', [shown, writer.int64([1, 0, 1, 0])]), 'f32'),
  };
}

/** Chosen boxes, f32 [n, 4], and their scores, f32 [n]: by falling score, rows without a box last. */
interface Scored {
  readonly boxes: string;
  readonly scores: string;
}

/** The proposals, see `proposalsOf`. A score of −∞ marks a row that is none. */
function propose(
  writer: ModelWriter,
  {
    model,
    proposals,
    edges,
    objectness,
    deltas,
  }: DetectorParts & Record<'edges' | 'objectness' | 'deltas', string>,
): Scored {
  const logits = reshape(writer, objectness, [-1]);
  const shifts = reshape(writer, deltas, [-1, 4]);
  let from = 0;
  const each = detectorLevels(model).map((level) => {
    const anchors = Float32Array.from(anchorsOf(level));
    const count = anchors.length / 4;
    const part = (values: string) => slice(writer, values, 0, from, from + count);
    const most = Math.min(proposals, count);
    const [scores, best] = largest(writer, part(logits), most);
    const moved = decode(
      writer,
      writer.node('Gather', [writer.constant(anchors, [count, 4], 'f32'), best]),
      writer.node('Gather', [part(shifts), best]),
      PROPOSAL_SCALE,
    );
    from += count;
    const boxes = clip(writer, moved, edges);
    const real = where(writer, hasArea(writer, boxes), scores, Number.NEGATIVE_INFINITY);
    const kept = column(
      writer,
      suppress(writer, reshape(writer, boxes, [1, most, 4]), reshape(writer, real, [1, 1, most]), {
        most: proposals,
        overlap: PROPOSAL_OVERLAP,
        least: LEAST,
      }),
      2,
    );
    return {
      boxes: writer.node('Gather', [boxes, kept]),
      scores: writer.node('Gather', [real, kept]),
    };
  });
  return surest(writer, each, proposals, Number.NEGATIVE_INFINITY);
}

/** The detections with their class numbers, i64 [D]; see `detectionsOf`. A score of 0 and a class of −1 mark a row that is none. */
function detect(
  writer: ModelWriter,
  { model: { classes }, proposals, detections }: DetectorParts,
  edges: string,
  proposed: Scored,
  head: Record<string, string>,
): Scored & { readonly labels: string } {
  const rois = reshape(writer, proposed.boxes, [1, proposals, 1, 4]);
  const moved = clip(writer, decode(writer, rois, head.deltas!, HEAD_SCALE), edges); // [1, P, K, 4]
  const boxes = reshape(writer, writer.node('Transpose', [moved], { perm: [2, 1, 3, 0] }), [
    classes,
    proposals,
    4,
  ]);
  const probabilities = writer.node('Transpose', [slice(writer, head.probabilities!, 2, 0, classes)], {
    perm: [2, 0, 1], // [K, 1, P]
  });
  const isProposal = greater(writer, proposed.scores, LEAST);
  const area = reshape(writer, hasArea(writer, boxes), [classes, 1, proposals]);
  const real = where(writer, writer.node('And', [area, isProposal]), probabilities, 0);
  // Each class has its boxes, so the classes are images to the operator.
  const kept = suppress(writer, boxes, real, { most: detections, overlap: DETECTION_OVERLAP, least: 0 });
  const numbers = column(writer, kept, 0);
  const places = writer.node('Add', [
    writer.node('Mul', [numbers, writer.int64([proposals])]),
    column(writer, kept, 2),
  ]);
  const found = surest(
    writer,
    [
      {
        boxes: writer.node('Gather', [reshape(writer, boxes, [-1, 4]), places]),
        scores: writer.node('Gather', [reshape(writer, real, [-1]), places]),
      },
    ],
    detections,
    0,
  );
  const none = writer.int64(Array(detections).fill(-1));
  const labels = writer.node('Concat', [numbers, none], { axis: 0 });
  return { ...found, labels: writer.node('Gather', [labels, found.order]) };
}

/**
 * The `count` surest boxes of several lists, and their numbers in all lists, one behind the other. Rows of 0 with `absent` scores fill up what is
 * missing: their numbers come after those of the lists.
 */
function surest(
  writer: ModelWriter,
  lists: readonly Scored[],
  count: number,
  absent: number,
): Scored & { readonly order: string } {
  const joined = (parts: readonly string[], fill: number, shape: readonly number[]) => {
    const rows = writer.constant(new Float32Array(sizeOf(shape)).fill(fill), shape, 'f32');
    return writer.node('Concat', [...parts, rows], { axis: 0 });
  };
  const all = lists.map(({ scores }) => scores);
  const [scores, order] = largest(writer, joined(all, absent, [count]), count);
  const boxes = joined(
    lists.map((list) => list.boxes),
    0,
    [count, 4],
  );
  return { boxes: writer.node('Gather', [boxes, order]), scores, order };
}
