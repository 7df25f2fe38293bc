import type { Rng } from '../../random/rng.ts';
import type { RawImage } from '../sources/dataset.ts';

/** Draws of a distortion; undefined ones are skipped. */
export interface PhotometricDraws {
  /** Added to all samples: −32 … 32. */
  readonly brightness?: number | undefined;
  /** All samples are multiplied by it: 0.5 … 1.5. */
  readonly contrast?: number | undefined;
  /** True if contrast comes before saturation and hue, or after. */
  readonly contrastFirst: boolean;
  /** Saturations are multiplied by it: 0.5 … 1.5. */
  readonly saturation?: number | undefined;
  /** Degrees that hues are turned by: −36 … 36 (18 of OpenCV's 180). */
  readonly hue?: number | undefined;
}

/** Draws a distortion: each change with probability ½, as mmsegmentation's PhotoMetricDistortion does by default. */
export function drawPhotometric(rng: Rng): PhotometricDraws {
  const maybe = (low: number, high: number) => {
    const value = rng.uniform(low, high);
    return rng.int(2) === 1 ? value : undefined;
  };
  return {
    brightness: maybe(-32, 32),
    contrastFirst: rng.int(2) === 1,
    contrast: maybe(0.5, 1.5),
    saturation: maybe(0.5, 1.5),
    hue: maybe(-36, 36),
  };
}

/**
 * Brightness, contrast, saturation and hue changed, as PhotoMetricDistortion does (SSD, arXiv 1512.02325, and mmsegmentation), without
 * its rounding of hue and saturation to bytes. Bytes after each change are rounded and cut off. A grey image has neither saturation nor hue.
 */
export function photometric(image: RawImage, draws: PhotometricDraws): RawImage {
  const { brightness, contrast, contrastFirst, saturation, hue } = draws;
  const data = image.data.slice();
  if (brightness !== undefined) linear(data, 1, brightness);
  if (contrast !== undefined && contrastFirst) linear(data, contrast, 0);
  if (image.channels === 3 && (saturation !== undefined || hue !== undefined))
    for (let i = 0; i < data.length; i += 3) turn(data, i, saturation, hue);
  if (contrast !== undefined && !contrastFirst) linear(data, contrast, 0);
  return { ...image, data };
}

const byte = (x: number) => Math.max(0, Math.min(255, Math.round(x)));

function linear(data: Uint8Array, factor: number, shift: number): void {
  for (let i = 0; i < data.length; i++) data[i] = byte(data[i]! * factor + shift);
}

/** Changes the pixel at `i` in hue, saturation and value (A. R. Smith, 1978); saturation first, rounded in between. */
function turn(data: Uint8Array, i: number, saturation = 1, hue = 0): void {
  for (const [s, h] of [
    [saturation, 0],
    [1, hue],
  ] as const) {
    if (s === 1 && h === 0) continue;
    const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!];
    const value = Math.max(r, g, b);
    const range = value - Math.min(r, g, b);
    if (range === 0) return; // grey
    const sector = value === r ? (g - b) / range : value === g ? 2 + (b - r) / range : 4 + (r - g) / range;
    const turned = (((sector + h / 60) % 6) + 6) % 6;
    const chroma = Math.min(1, (range / value) * s) * value;
    for (const [c, from] of [5, 3, 1].entries()) {
      const k = (from + turned) % 6;
      data[i + c] = byte(value - chroma * Math.max(0, Math.min(k, 4 - k, 1)));
    }
  }
}
