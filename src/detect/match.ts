import { boxIou } from './boxes.ts';
import { type Boxes, countOf } from './rows.ts';

/** The object that each box overlaps most, and the boxes that overlap each object most. */
export interface Matches {
  /** Number of the object, the first of several; −1 where there is none at all: [boxes]. */
  readonly object: Int32Array;
  /** Intersection over union with it, 0 without one: [boxes]. */
  readonly overlap: Float64Array;
  /** The boxes that overlap each object most, several if they are equal: [objects] */
  readonly best: readonly (readonly number[])[];
}

export function matched(boxes: Boxes, objects: Boxes): Matches {
  const count = countOf(boxes);
  const object = new Int32Array(count).fill(countOf(objects) > 0 ? 0 : -1);
  const overlap = new Float64Array(count);
  const best = Array.from({ length: countOf(objects) }, (_, j) => {
    let most = 0;
    let those: number[] = [];
    for (let i = 0; i < count; i++) {
      const shared = boxIou(boxes, i, objects, j);
      if (shared === 0) continue;
      if (shared > overlap[i]!) {
        overlap[i] = shared;
        object[i] = j;
      }
      if (shared > most) [most, those] = [shared, []];
      if (shared === most) those.push(i);
    }
    return those;
  });
  return { object, overlap, best };
}

/** Labels of an anchor. */
export const [UNUSED, BACKGROUND, OBJECT] = [0, 1, 2] as const;

/**
 * The label of each anchor for region proposals (Faster R-CNN, arXiv 1506.01497, section 3.1.2): an object where the intersection over union
 * with one is 0.7 at least, or the largest of that object; background where it is below 0.3 with all; nothing between. As in
 * detectron2 an anchor that is an object's best one still learns the object which it overlaps most itself.
 */
export function anchorLabels({ overlap, best }: Matches): Uint8Array {
  const labels = Uint8Array.from(overlap, (share) =>
    share >= 0.7 ? OBJECT : share < 0.3 ? BACKGROUND : UNUSED,
  );
  for (const those of best) for (const i of those) labels[i] = OBJECT;
  return labels;
}
