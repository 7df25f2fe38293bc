import { inflateSync } from 'node:zlib';
import { type DecodedPng, decode } from 'fast-png';
import { requirePixels } from '../decode/limits.ts';
import { DataError } from '../error.ts';

/** A colour, [red, green, blue] in 0 … 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** The samples of a mask as its file stores them, row by row: [height, width]. */
export interface StoredMask {
  readonly width: number;
  readonly height: number;
  /** True if the file has indices (of a palette) or grey levels, or colours as `packColour` makes them. */
  readonly kind: 'values' | 'colours';
  readonly data: Uint8Array | Uint16Array | Uint32Array;
  /** The colours of the indices, as `packColour` makes them. */
  readonly palette?: readonly number[];
}

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
/** No stream of deflate becomes longer than this many times its length. */
const DEFLATE_RATIO = 1032;
const SLACK = 2 ** 24;

/**
 * Reads a mask from the bytes of a PNG: indices of a palette stay indices, samples of 1 to 16 bits stay as they are.
 * Throws a DataError for what is no PNG, is damaged or transparent, or has too many pixels.
 */
export function decodeMask(bytes: Uint8Array): StoredMask {
  if (bytes.length < 33 || SIGNATURE.some((byte, i) => bytes[i] !== byte))
    throw new DataError(
      'a mask must be a PNG, whose pixels are kept exactly, got another file: write it as PNG where its labels were made (a JPEG has lost them)',
    );
  requireSize(bytes);
  const png = decoded(bytes);
  const { width, height, channels, palette, transparency } = png;
  const data = unpacked(png);
  if (data.length !== width * height * channels) throw damaged('pixels are missing');
  const opaque = png.depth === 16 ? 0xffff : 0xff;
  if (channels % 2 === 0) {
    let clear = 0;
    for (let i = channels - 1; i < data.length; i += channels) if (data[i] !== opaque) clear++;
    if (clear > 0)
      throw new DataError(
        `a mask must be opaque, got ${clear} transparent pixels: a separate class needs a separate value`,
      );
  }
  if (palette && data.some((index) => index >= palette.length))
    throw damaged('an index is not in the palette');
  if (!palette && transparency && transparency.length > 0)
    throw new DataError('a mask must be opaque, got a transparent value or colour: save it without one');
  if (channels > 2 && png.depth === 16)
    throw new DataError('a mask in colours must have 8 bits a sample, got 16: save it with 8');
  const plane = { width, height };
  if (channels > 2) return { ...plane, kind: 'colours', data: packed(data, channels) };
  const colours = palette?.map(([r, g, b]) => packColour([r!, g!, b!]));
  return {
    ...plane,
    kind: 'values',
    data: channels === 1 ? data : data.filter((_, i) => i % channels === 0),
    ...(colours && { palette: colours }),
  };
}

function decoded(bytes: Uint8Array): DecodedPng {
  try {
    return decode(bytes, { checkCrc: true });
  } catch (error) {
    throw damaged((error as Error).message);
  }
}

const damaged = (reason: string) => new DataError(`a mask must be a whole PNG, got a damaged one: ${reason}`);

/** Refuses, by the header, what would take more memory than an image may. */
function requireSize(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height, depth, type] = [view.getUint32(16), view.getUint32(20), bytes[24]!, bytes[25]!];
  requirePixels(width, height);
  if (bytes[28] === 1 && depth < 8)
    throw new DataError(
      `a mask of ${depth} bits a pixel must not be interlaced: save it without interlacing, or with 8 bits`,
    );
  const samples = { 2: 3, 4: 2, 6: 4 }[type] ?? 1;
  const expected = (Math.ceil((width * samples * depth) / 8) + 1) * height;
  const most = 2 * expected + SLACK;
  if (bytes.length * DEFLATE_RATIO <= most) return;
  try {
    inflateSync(Buffer.concat([...imageData(bytes, view)]), { maxOutputLength: most });
  } catch (error) {
    throw damaged((error as Error).message);
  }
}

/** The pieces of the compressed pixels. */
function* imageData(bytes: Uint8Array, view: DataView): Generator<Uint8Array> {
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    if (view.getUint32(at + 4) === 0x49444154) yield bytes.subarray(at + 8, at + 8 + length);
    at += 12 + length;
  }
}

/** Samples of fewer than 8 bits, one a byte. */
function unpacked({ data, depth, width, height }: DecodedPng): Uint8Array | Uint16Array {
  if (depth >= 8) return data as Uint8Array | Uint16Array;
  const out = new Uint8Array(width * height);
  const line = Math.ceil((width * depth) / 8);
  const each = 8 / depth;
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to++) {
      const byte = data[y * line + Math.floor(x / each)]!;
      out[to] = (byte >> (8 - depth - (x % each) * depth)) & ((1 << depth) - 1);
    }
  return out;
}

/** The colours of pixels of 3 or 4 samples. */
function packed(data: Uint8Array | Uint16Array, channels: number): Uint32Array {
  const colours = new Uint32Array(data.length / channels);
  for (let i = 0, from = 0; i < colours.length; i++, from += channels)
    colours[i] = packColour([data[from]!, data[from + 1]!, data[from + 2]!]);
  return colours;
}

/** A colour as one number: 65536 · red + 256 · green + blue. */
export function packColour([red, green, blue]: Colour): number {
  return 65536 * red + 256 * green + blue;
}

/** The colour of a number. */
export function unpackColour(packed: number): Colour {
  return [packed >> 16, (packed >> 8) & 255, packed & 255];
}
