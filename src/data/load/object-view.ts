import { resampleRle } from '../../detect/resample-rle.ts';
import { type Rle, rleBox } from '../../detect/rle.ts';
import { objectMask } from '../boxes/segmentation.ts';
import { visible } from '../decode/evaluation-view.ts';
import type { BoxAnnotation } from '../sources/annotations.ts';
import type { DrawnCrop } from './views.ts';

/** How the objects of views are made. */
export interface ObjectOptions {
  /** True: masks are wanted, and a box is the one that just holds the visible mask. */
  readonly masks: boolean;
}

/** The objects of a view, which a model learns. */
export interface ViewObjects {
  /** The crop that the view was made by. */
  readonly drawn: DrawnCrop;
  /** x1, y1, x2, y2 in pixels of the view; each has an area: [n, 4]. */
  readonly boxes: Float32Array;
  /** [n] */
  readonly classes: Int32Array;
  /** Pixels in the view of each object that has a mask, where they are wanted. */
  readonly masks?: readonly (Rle | undefined)[];
}

/**
 * The objects that a view shows: boxes are moved by its crop and cut at the image's edges; pixels of masks are the nearest ones of the
 * image, as those of semantic masks. Crowds, objects that are to be ignored and objects that are not visible are left out.
 * Throws a DataError for masks that are damaged.
 */
export function viewObjects(
  objects: readonly BoxAnnotation[],
  drawn: DrawnCrop,
  { masks: wanted }: ObjectOptions,
): ViewObjects {
  const place = placement(drawn);
  const boxes: number[] = [];
  const classes: number[] = [];
  const masks: (Rle | undefined)[] = [];
  for (const { box, class: of, crowd, ignore, segmentation } of objects) {
    if (crowd || ignore) continue;
    const mask =
      wanted && segmentation
        ? resampleRle(objectMask(segmentation, drawn.image), place.columns, place.rows)
        : undefined;
    const [x1, y1, x2, y2] = (mask ? rleBox(mask) : place.box(box)).map(Math.fround) as [
      number,
      number,
      number,
      number,
    ];
    if (!(x2 > x1 && y2 > y1)) continue;
    boxes.push(x1, y1, x2, y2);
    classes.push(of);
    masks.push(mask);
  }
  return {
    ...{ drawn, boxes: Float32Array.from(boxes), classes: Int32Array.from(classes) },
    ...(wanted && { masks }),
  };
}

/** Where a view shows which part of its image. */
function placement({ crop: { box, resized, window, flip } }: DrawnCrop) {
  const shown = visible(window, resized);
  const [left, top] = [shown.x - window.x, shown.y - window.y]; // in the view
  const columns = new Int32Array(window.width).fill(-1);
  const rows = new Int32Array(window.height).fill(-1);
  const across = box.width / resized[1];
  const down = box.height / resized[0];
  for (let i = 0; i < shown.width; i++)
    columns[left + (flip ? shown.width - 1 - i : i)] = box.x + Math.floor((shown.x + i + 0.5) * across);
  for (let i = 0; i < shown.height; i++) rows[top + i] = box.y + Math.floor((shown.y + i + 0.5) * down);
  const within = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  const moved = ([x1, y1, x2, y2]: BoxAnnotation['box']): [number, number, number, number] => {
    const [a, b] = [x1, x2].map((x) => within((x - box.x) / across - shown.x, shown.width)) as [
      number,
      number,
    ];
    const [c, d] = [y1, y2].map((y) => within((y - box.y) / down - shown.y, shown.height)) as [
      number,
      number,
    ];
    const [from, to] = flip ? [shown.width - b, shown.width - a] : [a, b];
    return [left + from, top + c, left + to, top + d];
  };
  return { columns, rows, box: moved };
}
