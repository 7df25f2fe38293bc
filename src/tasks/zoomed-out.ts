import { abs, add, cast, constant, matmul, maximum, reshape, sub, type Tensor } from '../graph/index.ts';
import { areaResize, areaRows, project } from '../nn/area.ts';
import { patchify, unpatchify } from '../nn/patches.ts';
import { targetOf } from '../nn/targets/table.ts';
import { patchLoss } from './patch-loss.ts';
import { plain } from './plain.ts';
import type { Draws, PretextTask } from './task.ts';

/** The view lies somewhere on a larger canvas, its surroundings mirrored; the view is predicted. */
export const zoomedOut: PretextTask = {
  ...plain,
  name: 'zoomed-out',
  judges: 'image',
  summary: 'a smaller view at a random place, mirrored around',
  view: (image) => image.map(viewSide) as [number, number],
  draws: () => ({ left: { shape: [], dtype: 'i32' }, top: { shape: [], dtype: 'i32' } }),
  draw: (rng, { image: [height, width] }) => ({
    left: Int32Array.of(rng.int(width - viewSide(width))),
    top: Int32Array.of(rng.int(height - viewSide(height))),
  }),
  degrade: (view, draws, { image }) => {
    const { rows, columns } = canvas(draws, image);
    return project(view, rows, columns);
  },
  clean: (view, { image }) => areaResize(view, image),
  place: (input, draws, { image: [height, width] }) => {
    const { rows, columns } = canvas(draws, [height, width]);
    const shown = (shows: Tensor, side: number) =>
      matmul(areaRows(viewSide(side), side), shows, { transposeB: true });
    return project(input, shown(rows, height), shown(columns, width));
  },
  loss: ({ prediction, view, draws, masking }, context) => {
    const { image, patch } = context;
    const target = targetOf(context.target).of(areaResize(view, image), context);
    // Prediction and target are shrunk to the view's size and put on the canvas. Both steps are linear, so it is enough to do so
    // with their difference.
    const { rows, columns } = canvas(draws, image);
    const shrink = (side: number) => areaRows(side, viewSide(side));
    const residual = project(
      unpatchify(sub(prediction.all, target), context),
      matmul(rows, shrink(image[0])),
      matmul(columns, shrink(image[1])),
    );
    return { losses: patchLoss(patchify(residual, patch), masking), parts: {} };
  },
};

/** Side of the view: 160 for 224. */
const viewSide = (side: number) => Math.round((5 * side) / 7);

/** Matrices [B, 1, side of the canvas, side of the view] that repeat the view's rows and columns, mirrored. */
function canvas({ top, left }: Draws, [height, width]: readonly [number, number]) {
  return { rows: mirrored(top!, height), columns: mirrored(left!, width) };
}

/** One axis of the canvas: [B, 1, side, view], 1 where a position of the canvas shows a pixel of the view. @param offset i32 [B] */
function mirrored(offset: Tensor, side: number): Tensor {
  const view = viewSide(side);
  const shape = [offset.shape[0]!, 1, 1, 1];
  const place = sub(ascending(side, [1, 1, side, 1]), reshape(cast(offset, 'f32'), shape));
  // Reflected at −½ and at view − ½: the edge pixel is repeated (NumPy's `symmetric`).
  const inside = abs(add(place, 0.5));
  const source = sub(view - 0.5, abs(sub(view, inside)));
  return maximum(sub(1, abs(sub(source, ascending(view, [1, 1, 1, view])))), 0);
}

const ascending = (count: number, shape: readonly number[]) =>
  constant(
    Float32Array.from({ length: count }, (_, i) => i),
    shape,
  );
