import type { Size } from '../../image/size.ts';

/** The top left corner of a window, in pixels. */
export interface Window {
  readonly y: number;
  readonly x: number;
}

/**
 * Windows that cover an image, row by row, as mmsegmentation places them: `stride` apart, with the last ones moved back into the image.
 * An image smaller than a window gets one window, at 0.
 * Throws RangeError unless the strides lie in [1, window].
 */
export function windowsOver(image: Size, window: Size, stride: Size): Window[] {
  const along = (axis: 0 | 1) => {
    const [side, w, s] = [image[axis], window[axis], stride[axis]];
    if (!Number.isInteger(s) || s < 1 || s > w)
      throw new RangeError(`strides must be whole numbers from 1 to the window's ${w} pixels, got ${s}`);
    const count = Math.floor((Math.max(side - w, 0) + s - 1) / s) + 1;
    return Array.from({ length: count }, (_, i) => Math.max(Math.min(i * s + w, side) - w, 0));
  };
  const columns = along(1);
  return along(0).flatMap((y) => columns.map((x) => ({ y, x })));
}
