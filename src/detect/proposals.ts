import type { Size } from '../image/size.ts';
import { anchorsOf, type Level } from './anchors.ts';
import { boxArea } from './boxes.ts';
import { decode, PROPOSAL_SCALE } from './deltas.ts';
import { largest, suppressed } from './nms.ts';
import { allOf, type Boxes, chosen, clipped } from './rows.ts';

/** How many boxes are proposed. */
export interface ProposalCounts {
  /** The best anchors of each map that are looked at; 2000 in training and 1000 in tests in detectron2. */
  readonly ofEach: number;
  /** Proposals of an image, 1000 in detectron2. */
  readonly kept: number;
}

/** Intersection over union above which the worse one of two proposals is dropped. */
export const PROPOSAL_OVERLAP = 0.7;

/** Boxes with scores, by falling score. */
export interface Scored {
  readonly boxes: Boxes;
  readonly scores: Float64Array;
}

/**
 * The boxes that a network proposes for an image, as detectron2 takes them: the best anchors of each map, moved by their deltas, cut to
 * the image, without boxes that overlap a better one of the same map.
 * @param objectness [N] and deltas [N, 4] for the anchors of all maps, one map behind the other
 */
export function proposalsOf(
  levels: readonly Level[],
  image: Size,
  objectness: Float32Array,
  deltas: Float32Array,
  { ofEach, kept }: ProposalCounts,
): Scored {
  const [boxes, scores, groups]: [Boxes[], number[], number[]] = [[], [], []];
  let from = 0;
  for (const [number, level] of levels.entries()) {
    const anchors = anchorsOf(level);
    const own = objectness.subarray(from, from + anchors.length / 4);
    const best = largest(own, ofEach);
    const shifts = new Float64Array(4 * best.length);
    for (const [k, i] of best.entries())
      shifts.set(deltas.subarray(4 * (from + i), 4 * (from + i + 1)), 4 * k);
    const moved = clipped(decode(chosen(anchors, best), shifts, PROPOSAL_SCALE), image);
    const real = Array.from(best.keys()).filter((k) => boxArea(moved, k) > 0);
    boxes.push(chosen(moved, real));
    for (const k of real) {
      scores.push(own[best[k]!]!);
      groups.push(number);
    }
    from += own.length;
  }
  const all = allOf(boxes);
  const some = suppressed(all, scores, PROPOSAL_OVERLAP, groups).subarray(0, kept);
  return { boxes: chosen(all, some), scores: Float64Array.from(some, (i) => scores[i]!) };
}
