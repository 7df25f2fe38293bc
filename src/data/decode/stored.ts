import type { SharpConstructor } from 'sharp';
import type { RawImage } from '../sources/dataset.ts';
import type { ImageFormat } from './formats.ts';
import { requirePixels } from './limits.ts';
import { type Reading, takesColours } from './reading.ts';
import { type Bands, requireBands, type Samples, toBytes } from './samples.ts';
import { readTiff } from './tiff.ts';

/**
 * An image whose samples count, where a decoded picture does not do: bands as they are stored, samples of a given range, and TIFFs that
 * `readTiff` takes. Undefined for all others. Rejects with a DataError as `readTiff` does.
 */
export async function readStored(
  bytes: Uint8Array,
  format: ImageFormat,
  reading: Reading,
  sharp: SharpConstructor,
): Promise<RawImage | undefined> {
  if (format === 'tiff') return readTiff(bytes, reading);
  const wide = format === 'png' && bytes[24] === 16;
  if (takesColours(reading) && !(reading.range && wide)) return undefined;
  const options = { autoOrient: true, ignoreIcc: true, failOn: 'error', limitInputPixels: false } as const;
  const image = sharp(bytes, options);
  const { channels: count, depth, space, hasAlpha, autoOrient } = await image.metadata();
  const ofWords = depth === 'ushort';
  const grey = count < 3;
  const bands: Bands = {
    width: autoOrient.width,
    height: autoOrient.height,
    count,
    colours: space === 'cmyk' ? 'others' : grey ? 'grey' : 'rgb',
    ...(hasAlpha && { alpha: { band: count - 1, premultiplied: false } }),
    unnamed: false,
    bytes: ofWords ? 2 : 1,
    range: [0, ofWords ? 65535 : 255],
    float: false,
  };
  requireBands(bands, reading);
  requirePixels(bands.width, bands.height, count * bands.bytes);
  const { data, info } = await image
    .toColourspace(ofWords ? (grey ? 'grey16' : 'rgb16') : 'srgb')
    .raw({ depth: ofWords ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const samples = ofWords ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
  return toBytes(info.channels === count ? samples : withoutRepeats(samples, info.channels), bands, reading);
}

/** Grey and alpha, which the decoder gives as three equal colours and alpha. */
function withoutRepeats(samples: Samples, channels: number): Samples {
  return Uint8Array.from({ length: (2 * samples.length) / channels }, (_, i) => {
    const pixel = (i >> 1) * channels;
    return samples[i & 1 ? pixel + channels - 1 : pixel]!;
  });
}
