import type { Size } from './crop.ts';

/**
 * The size of a JPEG that needs no treatment after decoding: 8 bit, grey or colour (not CMYK), upright by its EXIF
 * orientation, without a colour profile. Undefined for all others, and for what is no JPEG.
 */
export function plainJpegSize(bytes: Uint8Array): Size | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let size: Size | undefined;
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 4 <= bytes.length; ) {
    const marker = view.getUint16(at);
    if (marker === 0xffda) return size; // the scan begins
    const length = view.getUint16(at + 2);
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (marker < 0xffc0 || length < 2 || segment.length !== length - 2) return undefined;
    if (marker === 0xffc0 || marker === 0xffc1 || marker === 0xffc2) {
      const [precision, , , , , components] = segment;
      if (size || precision !== 8 || (components !== 1 && components !== 3)) return undefined;
      size = [view.getUint16(at + 5), view.getUint16(at + 7)];
      if (size[0] === 0 || size[1] === 0) return undefined;
    }
    if (marker === 0xffe1 && starts(segment, 'Exif\0\0') && !upright(segment.subarray(6))) return undefined;
    if (marker === 0xffe2 && starts(segment, 'ICC_PROFILE')) return undefined;
    at += 2 + length;
  }
  return undefined;
}

function starts(bytes: Uint8Array, text: string): boolean {
  return [...text].every((character, i) => bytes[i] === character.charCodeAt(0));
}

/** True if the orientation of a TIFF header (EXIF 2.3, 4.6.4) is absent or 1; false for what cannot be read. */
function upright(tiff: Uint8Array): boolean {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  try {
    const little = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, little);
    const entries = view.getUint16(directory, little);
    for (let i = 0; i < entries; i++) {
      const entry = directory + 2 + 12 * i;
      if (view.getUint16(entry, little) === 0x0112) return view.getUint16(entry + 8, little) === 1;
    }
    return true;
  } catch {
    return false;
  }
}
