import type { RawImage } from '../sources/dataset.ts';

/** How pixels that an affine warp needs are made. */
export interface Sampling {
  readonly interpolation: 'bilinear' | 'bicubic';
  /** Shows where the warp reaches outside the image: a value 0 … 255 per channel. */
  readonly fill: readonly number[];
}

/** [a, b, c, d, e, f]: output (x, y) shows the input at (ax + by + c, dx + ey + f); a pixel's centre lies at ½. */
export type Affine = readonly [number, number, number, number, number, number];

/** The affine warp of PIL (`Image.transform`, bicubic with a = −1), same size, same bytes. */
export function affine(image: RawImage, [a, b, c, d, e, f]: Affine, sampling: Sampling): RawImage {
  const { width, height, channels, data } = image;
  const out = new Uint8Array(data.length);
  const sample = sampling.interpolation === 'bilinear' ? bilinear : bicubic;
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to += channels) {
      const u = a * (x + 0.5) + b * (y + 0.5) + c;
      const v = d * (x + 0.5) + e * (y + 0.5) + f;
      const inside = u >= 0 && u < width && v >= 0 && v < height;
      if (inside) sample(data, width, height, channels, u - 0.5, v - 0.5, out, to);
      else for (let i = 0; i < channels; i++) out[to + i] = sampling.fill[i]!;
    }
  return { ...image, data: out };
}

/** Rotates about the centre, by `degrees` counter-clockwise. */
export function rotate(image: RawImage, degrees: number, sampling: Sampling): RawImage {
  const full = ((degrees % 360) + 360) % 360;
  if (full === 0) return image;
  const angle = -(full * (Math.PI / 180));
  const round = (value: number) => Number(value.toFixed(15));
  const [cos, sin] = [round(Math.cos(angle)), round(Math.sin(angle))];
  const [x, y] = [image.width / 2, image.height / 2];
  return affine(image, [cos, sin, cos * -x + sin * -y + x, -sin, cos, -sin * -x + cos * -y + y], sampling);
}

export function shearX(image: RawImage, factor: number, sampling: Sampling): RawImage {
  return affine(image, [1, factor, 0, 0, 1, 0], sampling);
}

export function shearY(image: RawImage, factor: number, sampling: Sampling): RawImage {
  return affine(image, [1, 0, 0, factor, 1, 0], sampling);
}

/** Moves the image to the left by a share of its width. */
export function translateX(image: RawImage, share: number, sampling: Sampling): RawImage {
  return affine(image, [1, 0, share * image.width, 0, 1, 0], sampling);
}

/** Moves the image up by a share of its height. */
export function translateY(image: RawImage, share: number, sampling: Sampling): RawImage {
  return affine(image, [1, 0, 0, 0, 1, share * image.height], sampling);
}

type Sample = (
  data: Uint8Array,
  width: number,
  height: number,
  channels: number,
  u: number,
  v: number,
  out: Uint8Array,
  to: number,
) => void;

const bilinear: Sample = (data, width, height, channels, u, v, out, to) => {
  const x = Math.floor(u);
  const y = Math.floor(v);
  const dx = u - x;
  const dy = v - y;
  const left = clip(x, width) * channels;
  const right = clip(x + 1, width) * channels;
  const above = clip(y, height) * width * channels;
  const below = clip(y + 1, height) * width * channels;
  for (let c = 0; c < channels; c++) {
    const top = mix(data[above + left + c]!, data[above + right + c]!, dx);
    out[to + c] = mix(top, mix(data[below + left + c]!, data[below + right + c]!, dx), dy);
  }
};

const bicubic: Sample = (data, width, height, channels, u, v, out, to) => {
  const x = Math.floor(u);
  const y = Math.floor(v);
  const dx = u - x;
  const dy = v - y;
  const x0 = clip(x - 1, width) * channels;
  const x1 = clip(x, width) * channels;
  const x2 = clip(x + 1, width) * channels;
  const x3 = clip(x + 2, width) * channels;
  const line = width * channels;
  const y0 = clip(y - 1, height) * line;
  const y1 = clip(y, height) * line;
  const y2 = clip(y + 1, height) * line;
  const y3 = clip(y + 2, height) * line;
  for (let c = 0; c < channels; c++) {
    const row = (at: number) =>
      cubic(data[at + x0 + c]!, data[at + x1 + c]!, data[at + x2 + c]!, data[at + x3 + c]!, dx);
    const value = cubic(row(y0), row(y1), row(y2), row(y3), dy);
    out[to + c] = Math.max(0, Math.min(value, 255));
  }
};

function clip(position: number, length: number): number {
  return position < 0 ? 0 : position < length ? position : length - 1;
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}

function cubic(a: number, b: number, c: number, d: number, t: number): number {
  return b + t * (c - a + t * (2 * (a - b) + c - d + t * (b - a - c + d)));
}
