import { DataError } from '../error.ts';
import type { RawImage } from '../sources/dataset.ts';
import { ChannelsError, type Reading, takesColours } from './reading.ts';

/** The bands of a file, before any is read. */
export interface Bands {
  readonly width: number;
  readonly height: number;
  readonly count: number;
  /** The first bands are grey, with white at 0 or at the largest sample, or colour; or inks, which no model takes. */
  readonly colours: 'white-is-zero' | 'grey' | 'rgb' | 'others';
  /** Which band is alpha, and whether the colours are multiplied by it. */
  readonly alpha?: { readonly band: number; readonly premultiplied: boolean } | undefined;
  /** True if there are bands that are neither colours nor alpha. */
  readonly unnamed: boolean;
  /** Bytes of a sample. */
  readonly bytes: number;
  /** The samples of the type that mean 0 and 1. */
  readonly range: readonly [low: number, high: number];
  readonly float: boolean;
}

/** Samples [height, width, bands]. */
export type Samples = Exclude<NodeJS.TypedArray, BigInt64Array | BigUint64Array>;

/** True if the bands are taken as they are stored: for other models than those of colours, and where the file names no colours. */
export function asStored({ colours, unnamed }: Bands, reading: Reading): boolean {
  return !takesColours(reading) || (unnamed && colours !== 'rgb');
}

/** Throws ChannelsError for bands that are not those of the model. */
export function requireBands(bands: Bands, reading: Reading): void {
  if (bands.colours === 'others') {
    const rule = `colours of ${8 * bands.bytes} bits must be grey or RGB to be read`;
    if (takesColours(reading)) throw new DataError(`${rule}, got others, such as CMYK`);
    throw new ChannelsError(reading.channels!, 'an image of inks or of a palette');
  }
  const { channels = bands.count } = reading;
  if (!asStored(bands, reading) || bands.count === channels) return;
  const got =
    bands.unnamed && bands.colours !== 'rgb'
      ? `${bands.count} bands without colours`
      : `an image of ${bands.count}`;
  throw new ChannelsError(channels, got);
}

/**
 * Samples as bytes: (sample − low) / (high − low) · 255, rounded and cut off at 0 and 255; what is no number becomes 0. Colours are shown
 * on white where there is alpha. Throws a DataError where the range cannot be the samples'.
 */
export function toBytes(samples: Samples, bands: Bands, reading: Reading): RawImage {
  const { width, height, count, alpha, colours } = bands;
  const stored = asStored(bands, reading);
  const channels = stored ? count : 3;
  const step = stored || colours === 'rgb' ? 1 : 0; // grey is repeated
  const [low, high] = reading.range ?? bands.range;
  const shown = stored ? undefined : alpha;
  const inverted = !stored && colours === 'white-is-zero';
  const data = new Uint8Array(width * height * channels);
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let pixel = 0, to = 0; pixel < width * height; pixel++) {
    const from = pixel * count;
    const opaque = shown ? unit(samples[from + shown.band]!, low, high) : 1;
    for (let c = 0; c < channels; c++, to++) {
      const sample = samples[from + c * step]!;
      if (sample < least) least = sample;
      if (sample > most) most = sample;
      let value = unit(sample, low, high);
      if (inverted) value = 1 - value;
      if (shown) value = (shown.premultiplied ? value : value * opaque) + 1 - opaque;
      data[to] = Math.min(255, 255 * value + 0.5);
    }
  }
  requireRange(bands, reading, [least, most], data);
  return { width, height, channels, data };
}

/** A sample on the scale [0, 1], cut off. */
function unit(sample: number, low: number, high: number): number {
  const value = (sample - low) / (high - low);
  return value > 0 ? Math.min(value, 1) : 0; // also where it is no number
}

const REMEDY = 'data.range sets the samples of black and white';
const BEYOND = 0.25; // what a filter may have made of floats in [0, 1]

function requireRange(
  bands: Bands,
  { range }: Reading,
  [least, most]: readonly [number, number],
  data: Uint8Array,
): void {
  if (bands.float && !range && (least < -BEYOND || most > 1 + BEYOND))
    throw new DataError(`samples of floating point must lie in [0, 1], got ${least} to ${most}: ${REMEDY}`);
  if (bands.bytes === 1 || !(least < most) || data.some((value) => value !== data[0])) return;
  throw oneByte(least, most, data[0]!, range ?? bands.range);
}

/** The fault of samples that differ and all become one byte. */
export function oneByte(
  least: number,
  most: number,
  byte: number,
  [low, high]: readonly [number, number],
): DataError {
  return new DataError(
    `samples from ${least} to ${most} must not all become ${byte} of 255, as on the range from ${low} to ${high} they do: ${REMEDY}`,
  );
}
