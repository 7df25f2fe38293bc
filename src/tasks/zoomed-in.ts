import {
  add,
  concat,
  mul,
  reshape,
  slice,
  sliceAxis,
  sub,
  sumOfSquares,
  type Tensor,
} from '../graph/index.ts';
import type { Size } from '../image/size.ts';
import { areaResize, areaRows, project } from '../nn/area.ts';
import { patchify, unpatchify } from '../nn/patches.ts';
import { targetOf } from '../nn/targets/table.ts';
import { patchLoss } from './patch-loss.ts';
import { plain } from './plain.ts';
import type { PretextTask } from './task.ts';

const CENTRE_WEIGHT = 0.8;

/** The encoder sees the centre of the view; the whole view is predicted, border included. */
export const zoomedIn: PretextTask = {
  ...plain,
  name: 'zoomed-in',
  judges: 'image',
  summary: 'the centre of a larger view, whose border is predicted too',
  view: (image) => {
    if (image.some((side) => border(side) === 0))
      throw new RangeError(
        `zoomed-in needs images of at least 4 pixels a side, got ${image.join('×')}: use a larger model.image`,
      );
    return image.map((side) => side + 2 * border(side)) as [number, number];
  },
  degrade: (view, _, { image }) => centreOf(view, image),
  clean: (view, { image }) => areaResize(view, image),
  place: (input, _, { image: [height, width] }) => project(input, centreRows(height), centreRows(width)),
  loss: ({ prediction, view, masking }, context) => {
    const { image, patch } = context;
    const predicted = areaResize(unpatchify(prediction.all, context), zoomedIn.view(image));
    // Residuals of the centre, against the target of the encoder's input.
    const target = targetOf(context.target).of(centreOf(view, image), context);
    const centre = patchLoss(sub(patchify(centreOf(predicted, image), patch), target), masking);
    // Residuals of the border, relative to the target of the whole view. Enlarging is linear, so it is enough to enlarge the difference.
    const whole = targetOf(context.target).of(areaResize(view, image), context);
    const missed = enlargedBorder(unpatchify(sub(prediction.all, whole), context), image);
    const edge = add(stripLoss(missed.topAndBottom), stripLoss(missed.leftAndRight));
    return {
      losses: add(mul(centre, CENTRE_WEIGHT), mul(edge, 1 - CENTRE_WEIGHT)),
      parts: { centre, edge },
    };
  },
};

/** Width of the border on each side of the input, in pixels: 32 for 224. */
const border = (side: number) => Math.round(side / 7);

/** Rows of the centre in the view, shrunk by area to the input's side: [side, side]. */
function centreRows(side: number): Tensor {
  const edge = border(side);
  return sliceAxis(areaRows(side + 2 * edge, side), 1, edge, edge + side);
}

function centreOf(view: Tensor, [height, width]: Size): Tensor {
  const [batch, channels] = view.shape as [number, number];
  const [top, left] = [border(height), border(width)];
  return slice(view, [0, 0, top, left], [batch, channels, top + height, left + width]);
}

/** Enlarges a picture [B, C, H, W] of the whole view to the view's size by area, but computes the border only. */
function enlargedBorder(picture: Tensor, [height, width]: Size) {
  const [rows, columns] = [parts(height), parts(width)];
  return {
    /** Both strips, across the full width. */
    topAndBottom: project(picture, rows.ends, columns.all),
    /** Both strips, along the middle rows. */
    leftAndRight: project(picture, rows.middle, columns.ends),
  };
}

/** Rows of the area matrix that enlarges a side of the input to the view's side. */
function parts(side: number) {
  const edge = border(side);
  const view = side + 2 * edge;
  const rows = (start: number, end: number) => areaRows(side, view, start, end);
  return {
    all: rows(0, view),
    middle: rows(edge, view - edge),
    ends: concat([rows(0, edge), rows(view - edge, view)], 0),
  };
}

/** Sum of the mean squares of two strips of equal size, given together as [B, C, h, w]: [B]. */
function stripLoss(residual: Tensor): Tensor {
  const rows = reshape(residual, [residual.shape[0]!, -1]);
  return reshape(mul(sumOfSquares(rows), 2 / rows.shape[1]!), [rows.shape[0]!]);
}
