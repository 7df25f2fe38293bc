import type { EvaluationView } from '../../image/view.ts';
import {
  type Box,
  type CropSampler,
  type CropSamplerDescription,
  centreCrop,
  randomResizedCrop,
  type Size,
  whole,
} from './crop.ts';
import { largeScaleJitter } from './large-scale-jitter.ts';
import { scaleJitter } from './scale-jitter.ts';

/**
 * The crop of a view by another library's rounding: sizes and places are those of `transformers`, torchvision or timm to the
 * pixel. The window may reach beyond the resized picture, where the border shows.
 */
export function viewCrop(view: EvaluationView): CropSampler {
  const sampler: CropSampler = (_, image, [height, width]) => {
    const resized = resizedOf(view, image);
    const y = offset(resized[0], height, view.rounding);
    const x = offset(resized[1], width, view.rounding);
    const { filter, border } = view;
    return { box: whole(image), resized, window: { x, y, width, height }, flip: false, filter, border };
  };
  return Object.assign(sampler, { description: { name: 'evaluation', view } as const });
}

function resizedOf({ fit, resized, rounding }: EvaluationView, [height, width]: Size): Size {
  if (fit === 'keep') return [height, width];
  if (fit === 'stretch') return resized;
  const [across, down] = [width / resized[1], height / resized[0]]; // how much smaller it becomes
  const byHeight = fit === 'cover' ? down <= across : down >= across;
  const ratio = byHeight ? down : across;
  if (rounding === 'timm') return [atLeast1(half(height / ratio)), atLeast1(half(width / ratio))];
  // The side that fits is exact; the other is multiplied before it is divided, so that nothing is lost to rounding.
  return byHeight
    ? [resized[0], atLeast1(Math.floor((resized[0] * width) / height))]
    : [atLeast1(Math.floor((resized[1] * height) / width)), resized[1]];
}

const atLeast1 = (side: number) => Math.max(1, side);

/** Where the window begins in the resized picture; below 0 where it is larger. */
function offset(resized: number, view: number, rounding: EvaluationView['rounding']): number {
  if (resized < view) return -((view - resized) >> 1);
  return rounding === 'transformers' ? (resized - view) >> 1 : half((resized - view) / 2);
}

/** Python's `round`: a half goes to the even number. */
function half(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

/** The crop sampler that was described. */
export function cropSamplerFrom(description: CropSamplerDescription): CropSampler {
  switch (description.name) {
    case 'centreCrop':
      return centreCrop(description.ratio);
    case 'evaluation':
      return viewCrop(description.view);
    case 'largeScaleJitter':
      return largeScaleJitter(description.options);
    case 'scaleJitter':
      return scaleJitter(description.options);
    default:
      return randomResizedCrop(description.options);
  }
}

/** The part of a window that lies in a picture of a size. */
export function visible({ x, y, width, height }: Box, [rows, columns]: Size): Box {
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  return {
    x: left,
    y: top,
    width: Math.min(x + width, columns) - left,
    height: Math.min(y + height, rows) - top,
  };
}
