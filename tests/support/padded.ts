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
  const made = Buffer.alloc(bytes + 12);
  made.writeUInt32BE(bytes, 0);
  made.write('zeRo', 4, 'latin1');
  made.writeUInt32BE(crc32(made.subarray(4, bytes + 8)), bytes + 8);
  return made;
}

/** COM segments (ITU-T T.81, B.2.4.5). */
function comments(bytes: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes / 60_000) }, () => {
    const made = Buffer.alloc(60_004);
    made.writeUInt16BE(0xfffe, 0);
    made.writeUInt16BE(60_002, 2);
    return made;
  });
}
