import type { Rle } from './rle.ts';
import type { Boxes } from './rows.ts';

/** The objects of a view that are learned. */
export interface Objects {
  /** In pixels of the view; each has an area. */
  readonly boxes: Boxes;
  /** Numbers of their classes, from 0. */
  readonly classes: ArrayLike<number>;
  /** Their pixels in the view, of each object that has a mask. */
  readonly masks?: readonly (Rle | undefined)[] | undefined;
}
