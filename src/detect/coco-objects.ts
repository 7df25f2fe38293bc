import type { Rle } from './rle.ts';

/** A box as COCO has it, [x, y, width, height] in pixels: scores are computed from these very numbers, as pycocotools does. */
export type CocoBox = readonly [x: number, y: number, width: number, height: number];

/** An object that is in an image. */
export interface TrueObject {
  readonly class: number;
  readonly box: CocoBox;
  /** Pixels of its mask (of its box where there is none): it decides whether the object is small, medium or large. */
  readonly area: number;
  /** A group of objects: any number of found ones may lie in it, and none must. */
  readonly crowd?: boolean | undefined;
  /** An object that need not be found. */
  readonly ignore?: boolean | undefined;
  /** Needed for scores of masks. */
  readonly mask?: Rle | undefined;
}

/** An object that a model found. */
export interface FoundObject {
  readonly class: number;
  readonly score: number;
  readonly box: CocoBox;
  /** Needed for scores of masks. */
  readonly mask?: Rle | undefined;
}

/** `[x1, y1, x2, y2]` as COCO has it. */
export function toCocoBox([x1, y1, x2, y2]: readonly [number, number, number, number]): CocoBox {
  return [x1, y1, x2 - x1, y2 - y1];
}

/** Intersection over union of boxes, or over the found box's area if the true one is a crowd's. */
export function cocoBoxIou(found: CocoBox, truth: CocoBox, crowd: boolean): number {
  const width = Math.min(found[0] + found[2], truth[0] + truth[2]) - Math.max(found[0], truth[0]);
  const height = Math.min(found[1] + found[3], truth[1] + truth[3]) - Math.max(found[1], truth[1]);
  if (!(width > 0 && height > 0)) return 0;
  const intersection = width * height;
  const area = found[2] * found[3];
  return intersection / (crowd ? area : area + truth[2] * truth[3] - intersection);
}
