/** Formats that are decoded. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif';

/** Number of bytes at the beginning of a file that identify its format. */
export const HEAD = 64;

/** The format of a file by its first bytes; undefined for what is not decoded. */
export function imageFormat(head: Uint8Array): ImageFormat | undefined {
  const begins = (text: string, at = 0) => latin1(head, at, text.length) === text;
  if (begins('\xff\xd8\xff')) return 'jpeg';
  if (begins('\x89PNG\r\n\x1a\n')) return 'png';
  if (begins('GIF87a') || begins('GIF89a')) return 'gif';
  if (begins('RIFF') && begins('WEBP', 8)) return 'webp';
  if (begins('II*\0') || begins('MM\0*')) return begins('CR', 8) ? undefined : 'tiff'; // CR: a raw photograph
  if (begins('II+\0\b\0') || begins('MM\0+\0\b')) return 'tiff'; // BigTIFF
  return brands(head).some((brand) => brand === 'avif' || brand === 'avis') ? 'avif' : undefined;
}

/** Beginnings of well-known files that are not decoded. */
const OTHERS: readonly (readonly [begins: string, name: string])[] = [
  ['BM', 'BMP'],
  ['P1', 'PBM'],
  ['P2', 'PGM'],
  ['P3', 'PPM'],
  ['P4', 'PBM'],
  ['P5', 'PGM'],
  ['P6', 'PPM'],
  ['\0\0\0\x0cjP', 'JPEG 2000'],
  ['\xff\x4f\xff\x51', 'JPEG 2000'],
  ['\0\0\0\x0cJXL', 'JPEG XL'],
  ['\xff\x0a', 'JPEG XL'],
  ['8BPS', 'Photoshop'],
  ['%PDF', 'PDF'],
  ['<svg', 'SVG'],
  ['<?xml', 'XML'],
];

/** Name of an undecodable file in messages. */
export function otherFormat(head: Uint8Array): string {
  if (brands(head).length > 0) return 'HEIC or a film';
  const text = latin1(head, 0, 8);
  const known = OTHERS.find(([begins]) => text.startsWith(begins));
  return known ? known[1] : 'something else';
}

/** The brands of a file of boxes (ISO 14496-12, 4.3), as AVIF and HEIC are. */
function brands(head: Uint8Array): string[] {
  if (latin1(head, 4, 4) !== 'ftyp') return [];
  const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
  const found = [latin1(head, 8, 4)];
  for (let at = 16; at + 4 <= Math.min(length, head.length); at += 4) found.push(latin1(head, at, 4));
  return found;
}

function latin1(bytes: Uint8Array, from: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(from, from + length));
}
