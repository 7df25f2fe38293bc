import { resampleRle } from '../../detect/resample-rle.ts';
import { type Rle, rleBox } from '../../detect/rle.ts';
import { objectMask } from '../boxes/segmentation.ts';
import { visible } from '../decode/evaluation-view.ts';
import type { BoxAnnotation } from '../sources/annotations.ts';
import type { DrawnCrop } from './views.ts';

/** How the objects of views are made. */
export interface ObjectOptions {
  /** The number of rows of every view; of more objects the largest ones stay. */
  readonly most: number;
  /** True: masks are wanted, and a box is the one that just holds the visible mask. Default: false. */
  readonly masks?: boolean | undefined;
}

/** The objects of a view. */
export interface ViewObjects {
  /** The crop that the view was made by. */
  readonly drawn: DrawnCrop;
  /** Number of objects; the rows behind them are padding. */
  readonly count: number;
  /** [most, 4]: x1, y1, x2, y2 in pixels of the view; 0 in padding. */
  readonly boxes: Float32Array;
  /** [most]; −1 in padding. */
  readonly classes: Int32Array;
  /** Masks in the view, of the first `count` rows, where they are wanted; undefined for an object that has none. */
  readonly masks?: readonly (Rle | undefined)[];
}

/**
 * The objects that a view shows: boxes are moved by its crop and cut at the image's edges; pixels of masks are the nearest ones of the
 * image, as those of semantic masks. Crowds, objects that are to be ignored and those of which nothing is visible are left out.
 * Throws a DataError for masks that are damaged.
 */
export function viewObjects(
  objects: readonly BoxAnnotation[],
  drawn: DrawnCrop,
  { most, masks = false }: ObjectOptions,
): ViewObjects {
  const place = placement(drawn);
  const seen = objects.flatMap(({ box, class: of, crowd, ignore, segmentation }) => {
    if (crowd || ignore) return [];
    const mask =
      masks && segmentation
        ? resampleRle(objectMask(segmentation, drawn.image), place.columns, place.rows)
        : undefined;
    const [x1, y1, x2, y2] = mask ? rleBox(mask) : place.box(box);
    return x2 > x1 && y2 > y1 ? [{ box: [x1, y1, x2, y2], of, mask, area: (x2 - x1) * (y2 - y1) }] : [];
  });
  const largest = new Set([...seen].sort((a, b) => b.area - a.area).slice(0, most));
  const kept = seen.filter((each) => largest.has(each));
  const boxes = new Float32Array(4 * most);
  const classes = new Int32Array(most).fill(-1);
  for (const [i, { box, of }] of kept.entries()) {
    boxes.set(box, 4 * i);
    classes[i] = of;
  }
  return {
    ...{ drawn, count: kept.length, boxes, classes },
    ...(masks && { masks: kept.map(({ mask }) => mask) }),
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
