import type { GeoTIFFImage } from 'geotiff';
import { DataError } from '../error.ts';
import type { RawImage } from '../sources/dataset.ts';
import { brokenFile } from './broken-file.ts';
import { requirePixels } from './limits.ts';
import { oriented } from './orientation.ts';
import { type Reading, takesColours } from './reading.ts';
import { type Bands, requireBands, type Samples, toBytes } from './samples.ts';

/** Numbers of tags, TIFF 6.0 and DNG. */
const TAG = {
  kind: 254,
  bits: 258,
  colours: 262,
  strips: [273, 279], // where they begin, and their lengths
  orientation: 274,
  bands: 277,
  tiles: [324, 325],
  extra: 338,
  format: 339,
  raw: 50706,
} as const;
const COLOURS: Readonly<Record<number, Bands['colours']>> = { 0: 'white-is-zero', 1: 'grey', 2: 'rgb' };
const CMYK = 5;
const [PREMULTIPLIED, STRAIGHT] = [1, 2]; // kinds of extra samples
const [SIGNED, FLOAT] = [2, 3]; // formats of samples

/**
 * The first page of a TIFF, where the decoder of pictures would misread it: floats, whole numbers that are signed or of more than 16
 * bits, bands that are neither colours nor alpha, and samples that `reading` wants as they are stored or of a range. Undefined for all
 * others. Rejects with a DataError for a file that is broken, or of other channels than the model.
 */
export async function readTiff(bytes: Uint8Array, reading: Reading): Promise<RawImage | undefined> {
  const { fromArrayBuffer } = await import('geotiff');
  try {
    const all = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
    const page = await (await fromArrayBuffer(all.buffer as ArrayBuffer)).getImage(0);
    const { bands, plain, orientation } = await understand(page);
    await repeatForBands(page);
    const picture = takesColours(reading) && plain && (!reading.range || bands.colours === 'others');
    if (picture) return undefined;
    requireBands(bands, reading);
    requirePixels(bands.width, bands.height, bands.count * bands.bytes);
    await requireWhole(page, bytes.length);
    const samples = await page.readRasters({ interleave: true });
    return oriented(toBytes(samples as Samples, bands, reading), orientation);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw brokenFile(new Error((cause as Error).message, { cause })); // also where it is a RangeError
  }
}

/** Content of a page, and true if it is an ordinary picture: colours of at most 16 bits, with alpha or without. */
async function understand(
  page: GeoTIFFImage,
): Promise<{ bands: Bands; plain: boolean; orientation: number }> {
  const one = async (number: number, usual: number) => (await valuesOf(page, number))[0] ?? usual;
  if ((await one(TAG.kind, 0)) & 1 || (await one(TAG.raw, 0)) !== 0)
    throw new DataError('a TIFF must begin with its picture, got a small copy of it, as raw photographs do');
  const count = await one(TAG.bands, 1);
  const bits = await one(TAG.bits, 1);
  const format = await one(TAG.format, 1);
  const photometric = await one(TAG.colours, 1);
  const colours = COLOURS[photometric] ?? 'others';
  const ofColour = colours === 'rgb' ? 3 : colours !== 'others' ? 1 : photometric === CMYK ? 4 : count;
  const given = await valuesOf(page, TAG.extra);
  const extra = Array.from({ length: Math.max(0, count - ofColour) }, (_, i) => given[i] ?? 0);
  const place = extra.findIndex((kind) => kind === PREMULTIPLIED || kind === STRAIGHT);
  const range = format === FLOAT ? 1 : 2 ** (format === SIGNED ? bits - 1 : bits) - 1;
  return {
    bands: {
      width: page.getWidth(),
      height: page.getHeight(),
      count,
      colours,
      ...(place >= 0 && {
        alpha: { band: ofColour + place, premultiplied: extra[place] === PREMULTIPLIED },
      }),
      unnamed: extra.includes(0),
      bytes: Math.ceil(bits / 8),
      range: [0, range],
      float: format === FLOAT,
    },
    plain:
      format !== SIGNED &&
      format !== FLOAT &&
      [1, 2, 4, 8, 16].includes(bits) &&
      extra.every((kind) => kind !== 0) &&
      extra.length <= 1,
    orientation: await one(TAG.orientation, 1),
  };
}

/** Has a page give for each band what some programs write once for all of them: the decoder wants one of each. */
async function repeatForBands(page: GeoTIFFImage): Promise<void> {
  const count = page.getSamplesPerPixel();
  const directory = page.fileDirectory;
  const all = new Map<unknown, number[]>();
  for (const [name, number] of [
    ['BitsPerSample', TAG.bits],
    ['SampleFormat', TAG.format],
  ] as const) {
    const values = await valuesOf(page, number);
    if (values.length === 1 && count > 1) all.set(name, Array<number>(count).fill(values[0]!));
  }
  const [get, load] = [directory.getValue.bind(directory), directory.loadValue.bind(directory)];
  directory.getValue = ((tag) => all.get(tag) ?? get(tag)) as typeof get;
  directory.loadValue = (async (tag) => all.get(tag) ?? load(tag)) as typeof load;
}

async function valuesOf(page: GeoTIFFImage, tag: number): Promise<number[]> {
  const value = (await page.fileDirectory.loadValue(tag)) as number | ArrayLike<number> | undefined;
  return value === undefined ? [] : typeof value === 'number' ? [value] : Array.from(value, Number);
}

/** Throws a DataError where strips or tiles lie beyond the end of the file. */
async function requireWhole(page: GeoTIFFImage, length: number): Promise<void> {
  for (const [offsets, lengths] of [TAG.strips, TAG.tiles]) {
    const begins = await valuesOf(page, offsets);
    const bytes = await valuesOf(page, lengths);
    if (begins.some((begin, i) => begin + (bytes[i] ?? 0) > length))
      throw new DataError('the TIFF ends before its pixels do');
  }
}

/** A TIFF without the pages behind its first: there may be a million, which the decoder would count. */
export function firstPage(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const little = view.getUint16(0) === 0x4949;
    const big = view.getUint16(2, little) === 43;
    const long = (at: number) => Number(view.getBigUint64(at, little));
    const directory = big ? long(8) : view.getUint32(4, little);
    const next = big
      ? directory + 8 + 20 * long(directory)
      : directory + 2 + 12 * view.getUint16(directory, little);
    if ((big ? long(next) : view.getUint32(next, little)) === 0) return bytes;
    return new Uint8Array(bytes).fill(0, next, next + (big ? 8 : 4));
  } catch {
    return bytes; // broken: the decoder says how
  }
}
