import { crc32 } from 'node:zlib';

/**
 * A PNG or JPEG of more than `bytes` bytes with the pixels of a small one. The added chunk or comments are ignored by
 * decoders.
 */
export function padded(file: Uint8Array, bytes: number): Buffer {
  const png = file[0] === 0x89;
  const head = png ? 33 : 2; // signature and IHDR; SOI
  return Buffer.concat([
    file.subarray(0, head),
    ...(png ? [chunk(bytes)] : comments(bytes)),
    file.subarray(head),
  ]);
}

/** A private, ancillary chunk (PNG 3, 5.3) of zeros. */
function chunk(bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes + 12);
  buffer.writeUInt32BE(bytes, 0);
  buffer.write('zeRo', 4, 'latin1');
  buffer.writeUInt32BE(crc32(buffer.subarray(4, bytes + 8)), bytes + 8);
  return buffer;
}

/** COM segments (ITU-T T.81, B.2.4.5). */
function comments(bytes: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes / 60_000) }, () => {
    const buffer = Buffer.alloc(60_004);
    buffer.writeUInt16BE(0xfffe, 0);
    buffer.writeUInt16BE(60_002, 2);
    return buffer;
  });
}
