/** An entry of an archive, with deliberate faults in its description. */
export interface ZipPart {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** 0: stored. */
  readonly method?: number;
  /** General purpose bits; 1: encrypted. */
  readonly flags?: number;
  /** Size in the directory. */
  readonly size?: number;
  /** Offset of the entry in the directory. */
  readonly offset?: number;
}

/**
 * A ZIP archive of stored entries like PyTorch's, except for alignment and checksums. With `wide`, sizes and offsets
 * have 64 bits, as in files above 4 GB.
 */
export function zip(parts: readonly ZipPart[], { wide = false } = {}): Buffer {
  const local: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, bytes, method = 0, flags = 0, size = bytes.length, offset = at } of parts) {
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    local.push(header, Buffer.from(name), Buffer.from(bytes));
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(wide ? MANY : size, 20);
    entry.writeUInt32LE(wide ? MANY : size, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(wide ? MANY : offset, 42);
    const extra = wide ? wideNumbers(size, size, offset) : Buffer.alloc(0);
    entry.writeUInt16LE(extra.length, 30);
    directory.push(entry, Buffer.from(name), extra);
    at += 30 + name.length + bytes.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(wide ? MANY : at, 16);
  const before = wide ? wideEnd(parts.length, central.length, at) : Buffer.alloc(0);
  return Buffer.concat([...local, central, before, end]);
}

/** Marks a number that is stored elsewhere in 64 bits. */
const MANY = 0xffffffff;

/** The extra field of 64-bit sizes and offset. */
function wideNumbers(...numbers: number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * numbers.length);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(8 * numbers.length, 2);
  for (const [i, number] of numbers.entries()) field.writeBigUInt64LE(BigInt(number), 4 + 8 * i);
  return field;
}

/** The 64-bit end of the directory, and its locator. */
function wideEnd(count: number, size: number, start: number): Buffer {
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  for (const [i, number] of [count, count, size, start].entries())
    record.writeBigUInt64LE(BigInt(number), 24 + 8 * i);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(start + size), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([record, locator]);
}
