import { readEncoded } from '../decode/read-file.ts';
import { DataError } from '../error.ts';
import type { RawImage } from '../sources/dataset.ts';
import type { ImageSource, PixelSource } from '../sources/image-source.ts';
import { type ClassTable, hex, IGNORED } from './classes.ts';
import { type Colour, decodeMask, packColour, type StoredMask } from './png.ts';

/** Reads the mask of an encoded source as its file stores it. Rejects with a DataError as `decodeMask`, and with the system's error. */
export async function readStoredMask(source: ImageSource): Promise<StoredMask> {
  if (source.kind === 'pixels' || source.kind === 'module')
    throw new DataError(
      `a stored mask must be a PNG, got ${source.kind === 'pixels' ? 'pixels' : 'a module'}`,
    );
  return decodeMask(await readEncoded(source));
}

/** A mask's keys into a table, and what they mean: the number of a class, IGNORED, or undefined where the table has none. */
export interface KeyedMask {
  readonly kind: StoredMask['kind'];
  readonly keys: StoredMask['data'];
  readonly meaning: ReadonlyMap<number, number>;
}

/**
 * How a table (or an empty one) reads a mask: a mask in colours by the table's colours if every class has one, or, if all its pixels are grey, as values; a mask
 * of indices or grey levels by the table's values, or, if the table has colours alone, by the colours of the palette.
 */
export function keyed(mask: StoredMask, table: ClassTable): KeyedMask {
  const { data, kind, palette } = mask;
  if (kind === 'colours') {
    const coloured = table.classes.every(({ colours }) => colours.length > 0);
    if (coloured || !data.every(isGrey)) return { kind, keys: data, meaning: meanings(table, 'colours') };
    return {
      kind: 'values',
      keys: Uint8Array.from(data, (c) => c & 255),
      meaning: meanings(table, 'values'),
    };
  }
  if (table.classes.length === 0 || table.classes.some(({ values }) => values.length > 0))
    return { kind, keys: data, meaning: meanings(table, 'values') };
  const keys = Uint32Array.from(data, (v) =>
    palette ? palette[v]! : packColour([v & 255, v & 255, v & 255]),
  );
  return { kind: 'colours', keys, meaning: meanings(table, 'colours') };
}

const isGrey = (packed: number) =>
  packed >> 16 === (packed & 255) && ((packed >> 8) & 255) === (packed & 255);

function meanings({ classes, ignored }: ClassTable, kind: 'values' | 'colours'): Map<number, number> {
  const key = (each: number | Colour) => (typeof each === 'number' ? each : packColour(each));
  return new Map([
    ...ignored[kind].map((each): [number, number] => [key(each), IGNORED]),
    ...classes.flatMap((of, i) => of[kind].map((each): [number, number] => [key(each), i])),
  ]);
}

/**
 * The mask of a source as class numbers, [height, width, 1], IGNORED where a pixel has no class; pixels are taken as they are.
 * Rejects with a DataError for a mask with a value or colour that is not in the table.
 */
export async function readMask(source: ImageSource, table: ClassTable): Promise<RawImage> {
  if (source.kind === 'pixels') return readPixels(source);
  const mask = await readStoredMask(source);
  const { kind, keys, meaning } = keyed(mask, table);
  const data = new Uint8Array(keys.length);
  let [last, number] = [-1, 0];
  for (let i = 0; i < keys.length; i++) {
    if (keys[i] !== last) {
      last = keys[i]!;
      const meant = meaning.get(last);
      if (meant === undefined)
        throw new DataError(
          `a mask must hold what its classes.json lists, got the ${kind === 'colours' ? `colour ${hex(last)}` : `value ${last}`}`,
        );
      number = meant;
    }
    data[i] = number;
  }
  return { width: mask.width, height: mask.height, channels: 1, data };
}

async function readPixels({ file, offset, width, height, channels }: PixelSource): Promise<RawImage> {
  const length = width * height * channels;
  const data = await readEncoded({ kind: 'slice', file, offset, length });
  return { width, height, channels, data };
}
