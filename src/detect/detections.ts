import type { Size } from '../image/size.ts';
import { boxArea } from './boxes.ts';
import { decode, HEAD_SCALE } from './deltas.ts';
import { suppressed } from './nms.ts';
import { type Boxes, chosen, clipped, countOf } from './rows.ts';

/** Objects that a detector finds in an image, by falling score. */
export interface Detections {
  readonly boxes: Boxes;
  /** In [0, 1]: [n] */
  readonly scores: Float64Array;
  /** Class numbers, from 0: [n] */
  readonly classes: Int32Array;
}

/** Intersection over union above which the worse one of two boxes of a class is dropped. */
export const DETECTION_OVERLAP = 0.5;

/**
 * The detections of an image, as detectron2 takes them: each proposal may be an object of several classes.
 * @param image the size to which boxes are cut
 * @param head what the box head says of the proposals: `probabilities` [P, K + 1] and `deltas` [P, K, 4], or of more
 */
export function detectionsOf(
  proposals: Boxes,
  image: Size,
  head: { readonly probabilities: Float32Array; readonly deltas: Float32Array },
  { classes, least, most }: { readonly classes: number; readonly least: number; readonly most: number },
): Detections {
  const [from, shifts, scores, groups]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let i = 0; i < countOf(proposals); i++)
    for (let k = 0; k < classes; k++) {
      const score = head.probabilities[i * (classes + 1) + k]!;
      if (!(score > least)) continue;
      const at = 4 * (i * classes + k);
      from.push(i);
      for (let side = 0; side < 4; side++) shifts.push(head.deltas[at + side]!);
      scores.push(score);
      groups.push(k);
    }
  const boxes = clipped(decode(chosen(proposals, from), shifts, HEAD_SCALE), image);
  const kept = suppressed(boxes, scores, DETECTION_OVERLAP, groups)
    .filter((i) => boxArea(boxes, i) > 0)
    .subarray(0, most);
  return {
    boxes: chosen(boxes, kept),
    scores: Float64Array.from(kept, (i) => scores[i]!),
    classes: Int32Array.from(kept, (i) => groups[i]!),
  };
}
