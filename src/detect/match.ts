import { boxIou } from './boxes.ts';
import { type Boxes, countOf } from './rows.ts';

/** The object that each box overlaps most. */
export interface Matches {
  /** Number of the object, the first of several; −1 where there is none at all: [boxes]. */
  readonly object: Int32Array;
  /** Intersection over union with it, 0 without one: [boxes]. */
  readonly overlap: Float64Array;
}

export function matched(boxes: Boxes, objects: Boxes): Matches {
  const count = countOf(boxes);
  const object = new Int32Array(count).fill(countOf(objects) > 0 ? 0 : -1);
  const overlap = new Float64Array(count);
  for (let j = 0; j < countOf(objects); j++)
    for (let i = 0; i < count; i++) {
      const shared = boxIou(boxes, i, objects, j);
      if (shared <= overlap[i]!) continue;
      overlap[i] = shared;
      object[i] = j;
    }
  return { object, overlap };
}

/** What region proposals learn of an anchor. */
export const [UNUSED, BACKGROUND, OBJECT] = [0, 1, 2] as const;

/**
 * What region proposals learn of each anchor (Faster R-CNN, arXiv 1506.01497, section 3.1.2): an object where the intersection over union
 * with one is 0.7 at least, or the largest of that object; background where it is below 0.3 with all; nothing between. As in
 * detectron2 an anchor that is an object's best one still learns the object which it overlaps most itself.
 */
export function anchorLabels(anchors: Boxes, objects: Boxes, { overlap }: Matches): Uint8Array {
  const labels = Uint8Array.from(overlap, (share) =>
    share >= 0.7 ? OBJECT : share < 0.3 ? BACKGROUND : UNUSED,
  );
  for (let j = 0; j < countOf(objects); j++) {
    let best = 0;
    let those: number[] = [];
    for (let i = 0; i < labels.length; i++) {
      const shared = boxIou(anchors, i, objects, j);
      if (shared > best) [best, those] = [shared, []];
      if (shared === best && best > 0) those.push(i);
    }
    for (const i of those) labels[i] = OBJECT;
  }
  return labels;
}
