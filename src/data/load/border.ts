import type { Crop } from '../decode/crop.ts';
import { visible } from '../decode/evaluation-view.ts';

/**
 * Writes a view [channels, height, width] into `out` from `offset` on: what `draw` writes in the same form for the visible part of the
 * crop's window, the crop's border around it.
 */
export function inBorder(
  { window, resized, border = [] }: Crop,
  channels: number,
  out: Uint8Array,
  offset: number,
  draw: (target: Uint8Array, at: number) => void,
): void {
  const { x, y, width, height } = visible(window, resized);
  if (width === window.width && height === window.height) {
    draw(out, offset);
    return;
  }
  const inner = new Uint8Array(channels * height * width);
  draw(inner, 0);
  const plane = window.height * window.width;
  for (let channel = 0; channel < channels; channel++) {
    const start = offset + channel * plane;
    out.fill(border[channel] ?? border[0] ?? 0, start, start + plane);
    for (let row = 0; row < height; row++) {
      const from = (channel * height + row) * width;
      const to = start + (y - window.y + row) * window.width + x - window.x;
      out.set(inner.subarray(from, from + width), to);
    }
  }
}
