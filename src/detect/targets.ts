import type { Rng } from '../random/rng.ts';
import { encode, HEAD_SCALE, PROPOSAL_SCALE } from './deltas.ts';
import { maskTarget } from './mask-target.ts';
import { anchorLabels, BACKGROUND, matched, OBJECT, UNUSED } from './match.ts';
import type { Objects } from './objects.ts';
import { decodeRle } from './rle.ts';
import { allOf, type Boxes, chosen, countOf } from './rows.ts';
import { balanced, type SampleCounts } from './sample.ts';

/** Labels and deltas of an image's anchors. */
export interface AnchorTargets {
  /** UNUSED, BACKGROUND or OBJECT: [N] */
  readonly labels: Uint8Array;
  /** From each anchor to its object, 0 where it has none: [N, 4] */
  readonly deltas: Float32Array;
}

/** Chooses `count` anchors to learn from, half of them objects at most. */
export function anchorTargets(
  anchors: Boxes,
  { boxes: objects }: Objects,
  rng: Rng,
  count: number,
): AnchorTargets {
  const matches = matched(anchors, objects);
  const known = anchorLabels(matches);
  const those = (wanted: number) => {
    const numbers: number[] = [];
    for (let i = 0; i < known.length; i++) if (known[i] === wanted) numbers.push(i);
    return numbers;
  };
  const some = balanced(rng, those(OBJECT), those(BACKGROUND), { count, objects: Math.floor(count / 2) });
  const labels = new Uint8Array(known.length).fill(UNUSED);
  for (const i of some.background) labels[i] = BACKGROUND;
  const deltas = new Float32Array(anchors.length);
  for (const i of some.objects) {
    labels[i] = OBJECT;
    const [from, to] = [chosen(anchors, [i]), chosen(objects, [matches.object[i]!])];
    deltas.set(encode(from, to, PROPOSAL_SCALE), 4 * i);
  }
  return { labels, deltas };
}

/** Boxes that the heads learn from, with classes, deltas and masks. */
export interface RoiTargets {
  /** `count` boxes at most, those with an object first. */
  readonly boxes: Boxes;
  /** Number of boxes with an object. */
  readonly withObject: number;
  /** Class numbers: `background` for a box without an object, −1 for a place without a box: [count] */
  readonly classes: Float32Array;
  /** From each box to its object, 0 where it has none: [count, 4] */
  readonly deltas: Float32Array;
  /** [objects, side, side], 0 where there is no object */
  readonly masks: Uint8Array;
}

/**
 * Chooses the boxes for the heads among an image's proposals and its objects' own boxes. A box is an object's where their
 * intersection over union is ½ at least.
 * @param background the number of no class
 */
export function roiTargets(
  proposals: Boxes,
  objects: Objects,
  rng: Rng,
  { background, side, ...counts }: SampleCounts & { readonly background: number; readonly side: number },
): RoiTargets {
  const { count } = counts;
  const candidates = allOf([proposals, objects.boxes]);
  const { object, overlap } = matched(candidates, objects.boxes);
  const isObject = (i: number) => overlap[i]! >= 0.5;
  const all = Array.from({ length: countOf(candidates) }, (_, i) => i);
  const some = balanced(
    rng,
    all.filter(isObject),
    all.filter((i) => !isObject(i)),
    counts,
  );
  const numbers = [...some.objects, ...some.background];
  const boxes = chosen(candidates, numbers);
  const classes = new Float32Array(count).fill(-1);
  const deltas = new Float32Array(4 * count);
  const masks = new Uint8Array(counts.objects * side * side);
  const pixels = new Map<number, Uint8Array | undefined>();
  const pixelsOf = (number: number) => {
    const mask = objects.masks?.[number];
    if (!pixels.has(number)) pixels.set(number, mask && decodeRle(mask));
    return pixels.get(number);
  };
  for (const [k, i] of numbers.entries()) {
    classes[k] = isObject(i) ? objects.classes[object[i]!]! : background;
    if (!isObject(i)) continue;
    const [box, own] = [boxes.slice(4 * k, 4 * k + 4), chosen(objects.boxes, [object[i]!])];
    deltas.set(encode(box, own, HEAD_SCALE), 4 * k);
    const mask = side > 0 && pixelsOf(object[i]!);
    if (mask) masks.set(maskTarget(mask, objects.masks![object[i]!]!.size, box, side), k * side * side);
  }
  return { boxes, withObject: some.objects.length, classes, deltas, masks };
}
