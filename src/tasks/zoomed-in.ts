import { add, concat, mul, reshape, slice, sub, sumOfSquares, type Tensor } from '../graph/index.ts';
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
      throw new RangeError(`zoomed-in needs images of 4 pixels a side at least, got ${image.join('×')}`);
    return image.map((side) => side + 2 * border(side)) as [number, number];
  },
  degrade: (view, _, { image }) => centreOf(view, image),
  clean: (view, { image }) => areaResize(view, image),
  loss: ({ prediction, view, masking }, context) => {
    const { image, patch } = context;
    const predicted = areaResize(unpatchify(prediction.all, context), zoomedIn.view(image));
    // Residuals of the centre, against the target of the encoder's input.
    const target = targetOf(context.target).of(centreOf(view, image), context);
    const centre = patchLoss(sub(patchify(centreOf(predicted, image), patch), target), masking);
    // Residuals of the border, against the target of the whole view: both are enlarged alike, so their difference is.
    const whole = targetOf(context.target).of(areaResize(view, image), context);
    const missed = enlargedBorder(unpatchify(sub(prediction.all, whole), context), image);
    const edge = add(stripLoss(missed.topAndBottom), stripLoss(missed.leftAndRight));
    return {
      losses: add(mul(centre, CENTRE_WEIGHT), mul(edge, 1 - CENTRE_WEIGHT)),
      parts: { centre, edge },
    };
  },
};

/** Pixels of the view on either side of the input: 32 for 224. */
const border = (side: number) => Math.round(side / 7);

function centreOf(view: Tensor, [height, width]: Size): Tensor {
  const [batch, channels] = view.shape as [number, number];
  const [top, left] = [border(height), border(width)];
  return slice(view, [0, 0, top, left], [batch, channels, top + height, left + width]);
}

/** The border of a picture [B, C, H, W] of the whole view, enlarged by area to the view's size. No more is computed. */
function enlargedBorder(picture: Tensor, [height, width]: Size) {
  const [rows, columns] = [parts(height), parts(width)];
  return {
    /** Both strips, over the full width. */
    topAndBottom: project(picture, rows.ends, columns.all),
    /** Both strips, over the middle rows. */
    leftAndRight: project(picture, rows.middle, columns.ends),
  };
}

/** Rows of the area matrix from a side of the input to that of its view. */
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

/** Sum of the mean squares of two strips of one size, [B, C, h, w] together: [B]. */
function stripLoss(residual: Tensor): Tensor {
  const rows = reshape(residual, [residual.shape[0]!, -1]);
  return reshape(mul(sumOfSquares(rows), 2 / rows.shape[1]!), [rows.shape[0]!]);
}
