import type { RawImage } from '../sources/dataset.ts';

/** The same for every pixel of a channel: AutoContrast, Equalize, Invert, Posterize, Solarize, as in PIL's ImageOps. */

/** Stretches every channel to the full range 0 … 255. */
export function autoContrast(image: RawImage): RawImage {
  return mapChannels(image, (histogram) => {
    const lo = histogram.findIndex((n) => n > 0);
    const hi = histogram.findLastIndex((n) => n > 0);
    if (hi <= lo) return (v) => v;
    const scale = 255 / (hi - lo);
    const offset = -lo * scale;
    return (v) => Math.max(0, Math.min(Math.trunc(v * scale + offset), 255));
  });
}

/** Makes all values of a channel about equally frequent. */
export function equalize(image: RawImage): RawImage {
  return mapChannels(image, (histogram) => {
    const used = histogram.filter((n) => n > 0);
    const step = Math.floor((image.width * image.height - used.at(-1)!) / 255);
    if (used.length <= 1 || step === 0) return (v) => v;
    let below = Math.floor(step / 2);
    const table = Array.from(histogram, (n) => {
      const value = Math.floor(below / step);
      below += n;
      return Math.min(value, 255);
    });
    return (v) => table[v]!;
  });
}

export function invert(image: RawImage): RawImage {
  return mapValues(image, (v) => 255 - v);
}

/** Keeps the upper `bits` (0 … 8) of every value. */
export function posterize(image: RawImage, bits: number): RawImage {
  return mapValues(image, (v) => v & (256 - 2 ** (8 - bits)));
}

/** Inverts the values from `threshold` on. */
export function solarize(image: RawImage, threshold: number): RawImage {
  return mapValues(image, (v) => (v < threshold ? v : 255 - v));
}

/** Adds `amount` to the values below 128. */
export function solarizeAdd(image: RawImage, amount: number): RawImage {
  return mapValues(image, (v) => (v < 128 ? Math.min(255, v + amount) : v));
}

function mapValues(image: RawImage, value: (v: number) => number): RawImage {
  const table = Uint8Array.from({ length: 256 }, (_, v) => value(v));
  return { ...image, data: image.data.map((v) => table[v]!) };
}

function mapChannels(image: RawImage, value: (histogram: Uint32Array) => (v: number) => number): RawImage {
  const { channels, data } = image;
  const out = new Uint8Array(data.length);
  for (let c = 0; c < channels; c++) {
    const histogram = new Uint32Array(256);
    for (let i = c; i < data.length; i += channels) histogram[data[i]!]!++;
    const change = value(histogram);
    const table = Uint8Array.from({ length: 256 }, (_, v) => change(v));
    for (let i = c; i < data.length; i += channels) out[i] = table[data[i]!]!;
  }
  return { ...image, data: out };
}
